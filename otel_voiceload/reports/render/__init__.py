"""A Report as text for a terminal, a machine, a page or a build server: one file per form.

Every renderer is ``render(report, ...) -> str`` and decides nothing: what is said was decided when
the Report was built.
"""
