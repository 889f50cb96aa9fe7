// Kv is a key-value server made of entities: a cluster of equal nodes that real
// Redis clients take for Redis Cluster. Each of the 16384 slots is one entity,
// an actor that holds the keys of its slot and runs the commands on them, one
// after the other.
//
//	kv         starts a whole cluster of three processes on this machine
//	kv node    runs one node
//
// Each has -h. docs/kv.md has the table of commands, and what a client sees
// while slots move and nodes fail.
//
// The parts: slot.go is the entity, internal/store what it holds; memory.go is
// where entities live; client.go and pipeline.go serve a connection, verbs.go has
// the commands that are not about one slot, cluster.go and table.go what CLUSTER
// prints; node.go and launch.go are the two commands.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:])) }

// Exit codes: 0 ended as asked, 1 failed, 2 called wrongly.
func run(args []string) int {
	var err error
	switch name, rest := command(args); name {
	case "":
		err = launchMain(rest, os.Stdout, os.Stderr)
	case "node":
		err = nodeMain(rest, os.Stderr)
	case "help":
		err = launchMain([]string{"-h"}, os.Stdout, os.Stderr)
	default:
		err = usagef("there is no command %q: it is node or none; try -h", name)
	}
	return report(err, os.Stderr)
}

// command splits off a leading word. Flags first means the launcher.
func command(args []string) (name string, rest []string) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return "", args
	}
	return args[0], args[1:]
}

// usageError is a mistake in how the command was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// report prints what went wrong and turns it into an exit code.
func report(err error, w io.Writer) int {
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(w, "kv: "+usage.text)
		return 2
	}
	fmt.Fprintln(w, "kv: "+err.Error())
	return 1
}

// newFlags makes the flags of one command. With -h it prints what the command
// does, examples and the flags.
func newFlags(name, about string, w io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(w)
	f.Usage = func() {
		fmt.Fprintf(w, "%s\nFlags:\n", about)
		f.PrintDefaults()
	}
	return f
}

// parse reads args, and refuses what is left over.
func parse(f *flag.FlagSet, args []string) error {
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return usagef("%s: try -h", err) // flag has printed its own text
	case f.NArg() > 0:
		return usagef("%s: unexpected argument %q", f.Name(), f.Arg(0))
	}
	return nil
}
