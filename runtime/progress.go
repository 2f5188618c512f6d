package runtime

import "context"

type progressKey struct{}

// WithProgress returns a context whose Load and Verify tell say what is being
// done to a module, as each stage begins: "waiting for another module" if it
// has to, "checking", "weaving", "compiling", "starting". Of several that load a
// module at the same time one is told. say is called by the goroutine that
// loads.
func WithProgress(ctx context.Context, say func(stage string)) context.Context {
	return context.WithValue(ctx, progressKey{}, say)
}

// progressOf returns whom a context wants told.
func progressOf(ctx context.Context) func(stage string) {
	if say, ok := ctx.Value(progressKey{}).(func(string)); ok {
		return say
	}
	return func(string) {}
}
