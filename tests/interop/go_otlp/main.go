// An OTLP client that shares no line of code with the collector or with Python's exporters: the Go SDK.
//
// It sends the same spans over HTTP, HTTP with gzip and gRPC, with what is easily lost on the way:
// events, links, typed attributes, a status and a parent. It leaves with 1 when an export failed.
//
//	go_otlp <http host:port> <grpc host:port> <turns>
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: go_otlp <http host:port> <grpc host:port> <turns>"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	turns, err := strconv.Atoi(os.Args[3])
	fail(err)
	plain, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpoint(os.Args[1]), otlptracehttp.WithInsecure())
	fail(err)
	gzipped, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpoint(os.Args[1]), otlptracehttp.WithInsecure(),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	fail(err)
	overGrpc, err := otlptracegrpc.New(ctx,
		otlptracegrpc.WithEndpoint(os.Args[2]), otlptracegrpc.WithInsecure())
	fail(err)
	for _, road := range []struct {
		name     string
		exporter sdktrace.SpanExporter
	}{{"go http", plain}, {"go http gzip", gzipped}, {"go grpc", overGrpc}} {
		fail(export(ctx, road.name, road.exporter, turns))
	}
}

func export(ctx context.Context, service string, exporter sdktrace.SpanExporter, turns int) error {
	failing := &failing{SpanExporter: exporter}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(failing, sdktrace.WithMaxExportBatchSize(64)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	tracer := provider.Tracer("go_otlp", trace.WithInstrumentationVersion("1.0"))
	for turn := 0; turn < turns; turn++ {
		outer, parent := tracer.Start(ctx, "turn", trace.WithSpanKind(trace.SpanKindServer))
		_, child := tracer.Start(outer, "llm", trace.WithSpanKind(trace.SpanKindClient),
			trace.WithLinks(trace.Link{
				SpanContext: parent.SpanContext(),
				Attributes:  []attribute.KeyValue{attribute.Int("link", turn)},
			}))
		child.SetAttributes(
			attribute.String("session.id", service),
			attribute.Int("turn", turn),
			attribute.Float64("seconds", 0.25),
			attribute.Bool("first", turn == 0),
			attribute.StringSlice("words", []string{"grüß", "dich"}),
		)
		child.AddEvent("first token", trace.WithAttributes(attribute.Int64("tokens", 1)))
		child.SetStatus(codes.Error, "cut off")
		child.End()
		parent.End()
	}
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}
	return failing.err
}

// failing remembers an export's error, which the SDK would only log.
type failing struct {
	sdktrace.SpanExporter
	err error
}

func (f *failing) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := f.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		f.err = err
	}
	return err
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_otlp:", err)
		os.Exit(1)
	}
}
