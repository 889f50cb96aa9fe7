// Hello: one actor, one question.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/pando-go/pando/actor"
)

// Hello is what the greeter is told.
type Hello struct{ Name string }

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	sys, err := actor.NewSystem(actor.Config{})
	if err != nil {
		return err
	}
	defer sys.Close(ctx)
	greeter, err := actor.Spawn(sys, "greeter", actor.Func(func(c *actor.Context[Hello], m Hello) error {
		c.Reply("hello " + m.Name)
		return nil
	}))
	if err != nil {
		return err
	}
	answer, err := actor.Ask[string](ctx, greeter.With(Hello{"Ada"}))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, answer)
	return err
}
