package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	asChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(mainErr(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// asChild is all that a process does which another of this program has started.
func asChild() {
	if text, ok := os.LookupEnv(farEnv); ok { // first: the far side inherits the rest
		exit(farMain(text, os.Stdin, os.Stdout))
	}
	if text, ok := os.LookupEnv(remoteEnv); ok {
		exit(remoteChild(text, os.Stdout))
	}
	if text, ok := os.LookupEnv(childEnv); ok {
		exit(child(text, os.Stdout))
	}
}

func exit(err error) {
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "peerbench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// mainErr is the whole program.
func mainErr(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	if o.remote.lines != nil {
		return o.remoteMain(ctx, out, errs)
	}
	if err := o.into.check(); err != nil {
		return err
	}
	b := o.bench
	b.machine = machine()
	b.measure, b.progress = spawnChild(o.limit), errs
	got, stopped := b.rounds(ctx)
	if len(got) == 0 {
		return stopped
	}
	var text bytes.Buffer
	if err := (report{b, got}).write(&text); err != nil {
		return err
	}
	if _, err := out.Write(text.Bytes()); err != nil {
		return err
	}
	if stopped != nil {
		return stopped
	}
	if err := o.into.replace(text.String()); err != nil {
		return err
	}
	return failures(got)
}

// failures is an error if anything of Pando's failed; that a peer failed is in the
// table.
func failures(got results) error {
	n := 0
	for k, s := range got { // order: a sum
		if k.peer == ours {
			n += s.failed()
		}
	}
	if n > 0 {
		return fmt.Errorf("%d measurements of %s failed", n, ours)
	}
	return nil
}

// options is what the flags say.
type options struct {
	bench
	remote remoteOptions // not empty: only this is measured
	limit  time.Duration
	into   page
}

// parse reads the command line. Its errors name the flag.
func parse(args []string, errs io.Writer) (options, error) {
	o := options{bench: bench{plan: fullPlan()}, into: page{begin: pageBegin, end: pageEnd}}
	fs := flag.NewFlagSet("peerbench", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.IntVar(&o.runs, "runs", 9, "rounds, of which the tables show the median")
	fs.IntVar(&o.idleRuns, "idleruns", 1, "rounds that measure idle actors too: they take minutes and vary little")
	fs.DurationVar(&o.plan.For, "d", o.plan.For, "how long each measurement lasts")
	fs.IntVar(&o.plan.Idle, "n", o.plan.Idle, "idle actors")
	fs.IntVar(&o.plan.Parked, "parked", 0, "goroutines that wait beside what is measured, as connections of a server do")
	fs.StringVar(&o.plan.Profile, "profile", "", "put a CPU profile of each process of a remote measurement into this directory")
	fs.DurationVar(&o.limit, "limit", 20*time.Minute, "how long one measurement may take in all before it has failed")
	fs.StringVar(&o.into.path, "into", "", "also put the tables into this file, between the marks that it has")
	only := fs.String("only", names(workloads(), workload.id), "lines to measure; those of remote, or all of them by that word, go by themselves")
	among := fs.String("peers", names(peers(), peer.id), "runtimes to measure; pando is measured also if it is not named")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("%q: there are only flags", fs.Arg(0))
	}
	if isRemote(*only) {
		err := o.parseRemote(*only, *among)
		return o, errors.Join(err, o.validate())
	}
	var err1, err2 error
	o.workloads, err1 = pick("-only", *only, workloads(), workload.id)
	o.peers, err2 = pick("-peers", ours+","+*among, peers(), peer.id)
	return o, errors.Join(err1, err2, o.validate())
}

// validate reports every number that is out of range.
func (o options) validate() error {
	var err error
	if o.runs < 1 {
		err = errors.Join(err, errors.New("-runs must be at least 1"))
	}
	if o.idleRuns < 0 || o.plan.Parked < 0 {
		err = errors.Join(err, errors.New("-idleruns and -parked must not be negative"))
	}
	if o.plan.For <= 0 || o.limit <= 0 {
		err = errors.Join(err, errors.New("-d and -limit must be positive"))
	}
	if o.plan.Idle < 1 {
		err = errors.Join(err, errors.New("-n must be at least 1"))
	}
	return err
}

func (w workload) id() string { return w.name }
func (p peer) id() string     { return p.name }

// names joins the names of a list.
func names[T any](list []T, name func(T) string) string {
	var all []string
	for _, x := range list {
		all = append(all, name(x))
	}
	return strings.Join(all, ",")
}

// pick returns those of list that text names, in the order of list.
func pick[T any](flag, text string, list []T, name func(T) string) ([]T, error) {
	want := map[string]bool{}
	for _, n := range strings.Split(text, ",") {
		if n = strings.TrimSpace(n); n != "" {
			want[n] = true
		}
	}
	var picked []T
	for _, x := range list {
		if want[name(x)] {
			picked = append(picked, x)
			delete(want, name(x))
		}
	}
	for n := range want { // order: any is worth telling
		return nil, fmt.Errorf("%s: no %q, there are %s", flag, n, names(list, name))
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("%s: names nothing", flag)
	}
	return picked, nil
}
