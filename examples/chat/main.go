// Chat is the sample of Pando: a chat whose rooms are actors, placed in a
// cluster of equal nodes. A user connects to any node, and everybody in a room
// sees the same lines in the same order.
//
//	chat         starts a whole cluster of three processes on this machine
//	chat node    runs one node
//	chat join    chats in the terminal
//
// Each has -h. docs/chat.md tells how it is built, what it promises and what
// it does not.
//
// The parts: room.go is the actor that holds a room, session.go the actor that
// holds one user's connection; ws.go, events.go and members.go are what a page
// talks to, static/ is the page; node.go, launch.go and join.go are the three
// commands.
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
	case "join":
		err = joinMain(rest, os.Stderr)
	case "help":
		err = launchMain([]string{"-h"}, os.Stdout, os.Stderr)
	default:
		err = usagef("there is no command %q: it is node, join or none; try -h", name)
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
		fmt.Fprintln(w, "chat: "+usage.text)
		return 2
	}
	fmt.Fprintln(w, "chat: "+err.Error())
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
