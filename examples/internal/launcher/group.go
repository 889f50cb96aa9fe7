package launcher

import (
	"context"
	"errors"
	"time"
)

// Say prints a line of the launcher.
type Say func(format string, args ...any)

// Watch tells of each child that ends. It returns nil when ctx ends, and an error
// when no child is left. [Stop] must follow.
func Watch(ctx context.Context, children []*Child, say Say) error {
	ended := make(chan *Child, len(children))
	for _, c := range children {
		go func() { <-c.done; ended <- c }() // ends with its child, which Stop stops
	}
	for left := len(children) - 1; ; left-- {
		select {
		case <-ctx.Done():
			return nil
		case c := <-ended:
			c.reported = true
			say("%s has ended: %s", c.Name, c.how())
			if left == 0 {
				return errors.New("all nodes have ended")
			}
			say("the others go on")
		}
	}
}

// Stop stops the children one after the other, the first one last, so that each
// can hand over what it hosts to those that are left. Each has limit to end, then
// it is killed; at once when again is closed.
func Stop(again <-chan struct{}, children []*Child, limit time.Duration, say Say) {
	for i := len(children) - 1; i >= 0; i-- {
		c := children[i]
		how := c.stop(again, limit)
		if !c.reported {
			say("%s has stopped%s", c.Name, how)
		}
	}
}
