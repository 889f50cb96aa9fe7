package clusterd

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// diary notes what happened in the phases of a node.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// keep has n note each phase, with the status that it has then while it has one.
func (d *diary) keep(n *Node) {
	for p := range phaseCount {
		n.OnLeave(p, "diary", func(context.Context) error {
			if p == AfterLeave {
				d.note(p.String())
			} else {
				d.note(p.String() + ": " + n.Self().Status.String())
			}
			return nil
		})
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("phases = %q, want %q", got, want)
	}
}

func TestPhasesOfLeaving(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		var d diary
		d.keep(nodes[2])
		cancel := nodes[2].OnLeave(BeforeLeave, "cancelled", func(context.Context) error {
			t.Error("a cancelled task ran")
			return nil
		})
		cancel()
		if err := nodes[2].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantLines(t, d.read(), "before leave: up", "handed over: leaving", "after leave")
	})
}

// TestPhasesHoldNothingUpForEver: a task that fails, one that panics and one
// that does not return before its time.
func TestPhasesHoldNothingUpForEver(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		var d diary
		nodes[2].OnLeave(BeforeLeave, "failing", func(context.Context) error { return errors.New("no") })
		nodes[2].OnLeave(BeforeLeave, "panicking", func(context.Context) error { panic("oh") })
		nodes[2].OnLeave(BeforeLeave, "slow", func(ctx context.Context) error {
			<-ctx.Done()
			d.note("slow: " + ctx.Err().Error())
			return nil
		})
		d.keep(nodes[2])
		began := time.Now()
		if err := nodes[2].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took, limit := time.Since(began), nodes[2].cfg.LeaveTimeout; took < limit/2 || took > limit {
			t.Errorf("left after %v, want half of LeaveTimeout, %v, and a little", took, limit)
		}
		wantLines(t, d.read(), "before leave: up", "slow: context deadline exceeded",
			"handed over: leaving", "after leave")
	})
}

// TestPhasesOfOtherEnds: a node that never joined, one that is removed for
// good, and one that is cut short.
func TestPhasesOfOtherEnds(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		var lone, removed, cut diary
		n := c.start(c.config("b:1"))
		lone.keep(n)
		if err := n.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		wantLines(t, lone.read(), "before leave: status(0)", "after leave")

		nodes := c.startAll("a:1", "b:1")
		cfg := c.config("c:1")
		cfg.StopWhenRemoved = true
		n = c.start(cfg)
		c.ready(n)
		removed.keep(n)
		if err := nodes[0].Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.ends(n, ErrRemoved)
		wantLines(t, removed.read(), "after leave")

		nodes[1].OnLeave(BeforeLeave, "endless", func(ctx context.Context) error { <-ctx.Done(); return nil })
		cut.keep(nodes[1])
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := nodes[1].Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Leave() = %v, want the context's error", err)
		}
		wantLines(t, cut.read(), "before leave: up")
	})
}

func TestShutdownOfTheCluster(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		diaries := make([]diary, len(nodes))
		for i, n := range nodes {
			diaries[i].keep(n)
		}
		if err := nodes[1].Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, n := range nodes {
			c.ends(n, nil)
			if got := diaries[i].read(); len(got) != int(phaseCount) {
				t.Errorf("%s: phases = %q, want all", n.address, got)
			}
		}
	})
}

// TestRecoverGoesOnWithoutTheLost: two of three die at once; the operator says
// that they are gone.
func TestRecoverGoesOnWithoutTheLost(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		nodes := c.startAll("a:1", "b:1", "c:1")
		if err := nodes[0].Recover(t.Context()); err == nil {
			t.Error("Recover() with a quorum = nil, want an error")
		}
		for _, n := range nodes[1:] {
			n.stop()
			<-n.Done()
		}
		time.Sleep(10 * time.Second)
		if nodes[0].MayAct() {
			t.Fatal("a node without a quorum may act")
		}
		if err := nodes[0].Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.sees(nodes[0], "a:1")
		if !nodes[0].MayAct() {
			t.Error("the node may not act after it has recovered")
		}
	})
}

func TestCommandsNeedAMember(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		n := c.start(c.config("b:1"))
		if err := n.Shutdown(t.Context()); !errors.Is(err, ErrNotMember) {
			t.Errorf("Shutdown() = %v, want ErrNotMember", err)
		}
		if err := n.Recover(t.Context()); !errors.Is(err, ErrNotMember) {
			t.Errorf("Recover() = %v, want ErrNotMember", err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := n.Shutdown(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("Shutdown() of an ended node = %v, want ErrStopped", err)
		}
	})
}

func TestRunFollowsSignals(t *testing.T) {
	tests := []struct {
		name string
		hang bool
		act  func(signals chan<- os.Signal, n *Node)
		want error
	}{
		{"one signal leaves", false, func(s chan<- os.Signal, _ *Node) { s <- syscall.SIGTERM }, nil},
		{"a signal and its echo leave", false, func(s chan<- os.Signal, _ *Node) {
			s <- os.Interrupt
			s <- os.Interrupt
		}, nil},
		{"a second signal stops at once", true, func(s chan<- os.Signal, _ *Node) {
			s <- syscall.SIGTERM
			time.Sleep(signalPause)
			s <- syscall.SIGTERM
		}, ErrInterrupted},
		{"the leave takes too long", true, func(s chan<- os.Signal, _ *Node) { s <- syscall.SIGTERM }, context.DeadlineExceeded},
		{"the node ends by itself", false, func(_ chan<- os.Signal, n *Node) { n.stop() }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			nodeTest(t, func(t *testing.T, c *cluster) {
				c.startAll("a:1")
				cfg := c.config("b:1")
				cfg.Services = []Service{&probe{hold: test.hang}}
				n := c.start(cfg)
				c.ready(n)
				signals := make(chan os.Signal)
				first, second, release := until(t.Context(), signals)
				defer release()
				result := make(chan error, 1)
				go func() { result <- n.run(first, second) }()
				test.act(signals, n)
				if err := <-result; !errors.Is(err, test.want) {
					t.Errorf("Run() = %v, want %v", err, test.want)
				}
				<-n.Done()
				synctest.Wait()
			})
		})
	}
}
