package clusterd

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// Phase is a moment in the orderly end of a node at which the program can do
// its part: see [Node.OnLeave].
type Phase int

// The phases, in their order.
const (
	// BeforeLeave: the node is still Up and runs what it hosts. The time to turn
	// away new work from outside and to finish what is under way, such as the
	// requests of an HTTP server.
	BeforeLeave Phase = iota
	// HandedOver: what was hosted here runs elsewhere. The node is still a member
	// and reaches all others. The time to close what the entities used here. A
	// node that was never a member has no such phase.
	HandedOver
	// AfterLeave: the node is no longer a member, because it left or because it was
	// removed and does not rejoin. Its own actors still run.
	AfterLeave

	phaseCount
)

func (p Phase) String() string {
	return [...]string{"before leave", "handed over", "after leave"}[p]
}

// phases holds what is to be done at the end of a node.
type phases struct {
	mu    sync.Mutex
	tasks [phaseCount][]*leaveTask
	begun [phaseCount]bool
}

type leaveTask struct {
	name string
	run  func(context.Context) error
}

// OnLeave has task run in a phase of the node's orderly end: Leave, Close, a
// shutdown of the whole cluster, and for AfterLeave also a removal without
// rejoin. The next phase waits for it. The tasks of a phase run at the same time;
// each gets a context that ends after half of Config.LeaveTimeout, or at once
// when the end is cut short, and then is waited for no longer. An error or a
// panic is logged under name and holds nothing up. When the node is cut short
// phases that have not begun are left out.
//
// cancel takes the task back. Added or cancelled after its phase began, a task
// is not affected. Any goroutine.
func (n *Node) OnLeave(p Phase, name string, task func(ctx context.Context) error) (cancel func()) {
	t := &leaveTask{name, task}
	n.phases.mu.Lock()
	defer n.phases.mu.Unlock()
	n.phases.tasks[p] = append(n.phases.tasks[p], t)
	return func() {
		n.phases.mu.Lock()
		defer n.phases.mu.Unlock()
		n.phases.tasks[p] = slices.DeleteFunc(n.phases.tasks[p], func(have *leaveTask) bool { return have == t })
	}
}

// begin returns the tasks of a phase; none if it has begun before.
func (s *phases) begin(p Phase) []*leaveTask {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun[p] {
		return nil
	}
	s.begun[p] = true
	return slices.Clone(s.tasks[p])
}

// phaseOver tells the loop that the tasks of a phase are through.
type phaseOver struct{ phase Phase }

// enterPhase runs the tasks of a phase beside the loop, which goes on with
// phaseOver: meanwhile the node serves its cluster as before. Called by the loop.
func (n *Node) enterPhase(p Phase) {
	tasks := n.phases.begin(p)
	if len(tasks) == 0 {
		n.inbox.put(phaseOver{p})
		return
	}
	n.background.Go(func() {
		ctx, cancel := n.untilHalt(n.looped)
		defer cancel()
		n.runTasks(ctx, p, tasks)
		n.inbox.put(phaseOver{p})
	})
}

// runTasks returns when all tasks have, or when their time is over.
func (n *Node) runTasks(ctx context.Context, p Phase, tasks []*leaveTask) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.LeaveTimeout/2)
	defer cancel()
	type outcome struct {
		task *leaveTask
		err  error
	}
	outcomes := make(chan outcome, len(tasks)) // nobody may be there to receive
	for _, t := range tasks {
		go func() { outcomes <- outcome{t, t.guarded(ctx)} }()
	}
	for open := tasks; len(open) > 0; {
		select {
		case o := <-outcomes:
			if o.err != nil {
				n.log.Warn("task of leaving failed", "phase", p.String(), "task", o.task.name, "error", o.err)
			}
			open = slices.DeleteFunc(slices.Clone(open), func(t *leaveTask) bool { return t == o.task })
		case <-ctx.Done():
			n.log.Warn("tasks of leaving are not waited for any longer", "phase", p.String(), "tasks", names(open))
			return
		}
	}
}

func (t *leaveTask) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return t.run(ctx)
}

func names(tasks []*leaveTask) string {
	var list []string
	for _, t := range tasks {
		list = append(list, t.name)
	}
	return strings.Join(list, ", ")
}
