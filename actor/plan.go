package actor

import (
	"context"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// SpawnOption changes how an actor is spawned.
type SpawnOption interface{ apply(*plan) }

// plan is how an actor is spawned. Many actors share one, and nobody changes it.
type plan struct {
	mailbox    mailbox.Producer // nil for the default
	supervisor Supervisor
	children   pa.SupervisorStrategy // nil: each child's own supervisor

	receivers  []pa.ReceiverMiddleware
	senders    []pa.SenderMiddleware
	spawners   []pa.SpawnMiddleware
	decorators []pa.ContextDecorator
	inits      []func(pa.Context)
	parent     func() context.Context // nil: of contexts that depend on nothing else

	// The chains of the above, nil if there is nothing in them.
	receive  pa.ReceiverFunc
	send     pa.SenderFunc
	spawn    pa.SpawnFunc
	decorate pa.ContextDecoratorFunc
}

type optionFunc func(*plan)

func (f optionFunc) apply(p *plan) { f(p) }

// WithMailbox gives the actor a mailbox made by p. The default is mailbox.Unbounded.
func WithMailbox(p mailbox.Producer) SpawnOption {
	return optionFunc(func(o *plan) { o.mailbox = p })
}

// WithSupervisor says what becomes of this actor when it fails. The default is
// Backoff{}: restart for ever.
func WithSupervisor(s Supervisor) SpawnOption {
	return optionFunc(func(o *plan) { o.supervisor = s })
}

// WithStrategy has a protoactor strategy supervise the actor's children, in place
// of the supervisors that they were spawned with.
func WithStrategy(s pa.SupervisorStrategy) SpawnOption {
	return optionFunc(func(o *plan) { o.children = s })
}

// WithReceiverMiddleware leads each message to the actor, also those of its
// lifecycle, through protoactor middleware; the first is the outermost. It costs
// an envelope a message.
func WithReceiverMiddleware(m ...pa.ReceiverMiddleware) SpawnOption {
	return optionFunc(func(o *plan) { o.receivers = append(o.receivers, m...) })
}

// WithSenderMiddleware leads what the actor sends by its pa.Context through
// protoactor middleware. What it sends by a Ref does not pass there.
func WithSenderMiddleware(m ...pa.SenderMiddleware) SpawnOption {
	return optionFunc(func(o *plan) { o.senders = append(o.senders, m...) })
}

// WithSpawnMiddleware leads the spawning of the actor's children through
// protoactor middleware.
func WithSpawnMiddleware(m ...pa.SpawnMiddleware) SpawnOption {
	return optionFunc(func(o *plan) { o.spawners = append(o.spawners, m...) })
}

// WithContextDecorator changes the pa.Context that the actor sees.
func WithContextDecorator(d ...pa.ContextDecorator) SpawnOption {
	return optionFunc(func(o *plan) { o.decorators = append(o.decorators, d...) })
}

// WithOnInit calls f with the actor's pa.Context when the actor has its address
// and before its first message.
func WithOnInit(f ...func(pa.Context)) SpawnOption {
	return optionFunc(func(o *plan) { o.inits = append(o.inits, f...) })
}

// WithContext lets the contexts that the behavior gets depend on one more thing
// than its own life: each is a child of what parent returns when it is asked for.
// If that one is done while the behavior lives on, the next is made anew. parent
// may be called from any goroutine.
func WithContext(parent func() context.Context) SpawnOption {
	return optionFunc(func(o *plan) { o.parent = parent })
}

// plan is what the options come to.
func (s *System) plan(opts []SpawnOption) *plan {
	if len(opts) == 0 {
		return s.defaults
	}
	p := &plan{supervisor: Backoff{}}
	for _, opt := range opts {
		opt.apply(p)
	}
	p.link(s)
	return p
}

// filtered tells that messages do not go to the actor straight.
func (p *plan) filtered() bool { return p.receive != nil || p.decorate != nil }

// link makes the chains.
func (p *plan) link(s *System) {
	if len(p.receivers) > 0 {
		p.receive = chain(p.receivers, func(ctx pa.ReceiverContext, env *pa.MessageEnvelope) { ctx.Receive(env) })
	}
	if len(p.senders) > 0 {
		p.send = chain(p.senders, func(_ pa.SenderContext, to *pa.PID, env *pa.MessageEnvelope) { s.send(to, env) })
	}
	if len(p.spawners) > 0 {
		p.spawn = chain(p.spawners, s.spawnProps)
	}
	if len(p.decorators) > 0 {
		p.decorate = chain(p.decorators, func(ctx pa.Context) pa.Context { return ctx })
	}
}

// chain puts wrappers around a function, the first outermost.
func chain[W ~func(F) F, F any](all []W, inner F) F {
	for i := len(all) - 1; i >= 0; i-- {
		inner = all[i](inner)
	}
	return inner
}

// terminalSpawn is the inner end of protoactor's own spawn middleware: it spawns
// any Props under any parent.
func terminalSpawn() (f pa.SpawnFunc) {
	(&pa.Props{}).Configure(pa.WithSpawnMiddleware(func(next pa.SpawnFunc) pa.SpawnFunc {
		f = next
		return next
	}))
	return f
}
