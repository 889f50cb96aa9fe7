package actor

import "context"

// Go runs work on a goroutine of its own and brings its result back as a message:
// what then makes of it is handled like any other. then runs in the actor, so it
// may use its state. work's context is done when the actor stops or restarts; then
// is not called in that case. A panic of work is an error of *Failure's kind.
func Go[T, M any](c *Context[M], work func(context.Context) (T, error), then func(T, error) M) {
	cell, ctx, gen := c.cell, c.cell.lifetime(), c.cell.gen
	cell.sys.tasks.run(func() {
		v, err := try(ctx, work)
		cell.post(&signal{gen: gen, run: func() { cell.handleThen(then(v, err)) }})
	})
}

func try[T any](ctx context.Context, work func(context.Context) (T, error)) (v T, err error) {
	defer catch(&err)
	return work(ctx)
}
