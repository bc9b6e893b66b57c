"""Findings as Vega-Lite v6 specifications: numbers in, one dictionary out.

A specification holds no colour of its own. It names styles and puts components on one fixed scale;
``theme`` says what those look like on light and on dark paper, so the same chart is drawn on a page
that follows the reader's setting, in a file, and later on a live page.
"""
