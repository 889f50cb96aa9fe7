package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/pando-go/pando/clusterd"
)

const joinAbout = `chat join chats in the terminal, through any node of a cluster. When that node
dies, it goes on through another one.

Examples:
  chat join -http 127.0.0.1:8083 -room go -user ada
  echo "build is green" | chat join -http 127.0.0.1:8081 -room builds -user ci

Through a pipe it says each line that it reads and prints each line of the
room as "user: text"; at the end of its input it ends, once the room has all
of it. Exit code 0 means that nothing was lost.
`

// settleBound is how long a pipe waits for its last line after the end of its input.
const settleBound = time.Minute

type joinConfig struct{ http, room, user string }

func joinMain(args []string, errs io.Writer) error {
	cfg, err := parseJoin(args, errs)
	if err != nil {
		return err
	}
	ctx, again, release := clusterd.UntilSignal(context.Background())
	defer release()
	go func() { // a second Ctrl-C need not wait for anything
		select {
		case <-again:
			os.Exit(1)
		case <-ctx.Done():
		}
	}()
	c := newClient(cfg.http, cfg.room, cfg.user)
	if term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) {
		return joinTerminal(ctx, c, os.Stdin, os.Stdout)
	}
	return joinPipe(ctx, c, os.Stdin, os.Stdout, errs)
}

func parseJoin(args []string, w io.Writer) (joinConfig, error) {
	var cfg joinConfig
	f := newFlags("chat join", joinAbout, w)
	f.StringVar(&cfg.http, "http", "127.0.0.1:8081", "`address` of any node's page")
	f.StringVar(&cfg.room, "room", "grove", "`name` of the room")
	f.StringVar(&cfg.user, "user", loginName(), "`name` that the others see")
	if err := parse(f, args); err != nil {
		return cfg, err
	}
	if err := checkAddress("http", cfg.http); err != nil {
		return cfg, err
	}
	if err := errors.Join(checkName("-room", cfg.room), checkName("-user", cfg.user)); err != nil {
		return cfg, usagef("%s", err)
	}
	return cfg, nil
}

// loginName is the default of -user.
func loginName() string {
	if u, err := user.Current(); err == nil && checkName("user", u.Username) == nil {
		return u.Username
	}
	return ""
}

// loginOr returns loginName, or another name if that is no simple word.
func loginOr(other string) string {
	name := loginName()
	if name == "" || strings.ContainsFunc(name, notInAuthor) {
		return other
	}
	return name
}

// joinPipe says each line of in and prints the room's lines to out.
func joinPipe(ctx context.Context, c *client, in io.Reader, out, notes io.Writer) error {
	c.show = func(f frame) {
		if text, ok := plain(f); ok && f.Type == "" {
			fmt.Fprintln(out, text)
		} else if ok {
			fmt.Fprintln(notes, text)
		}
	}
	c.note = func(text string) { fmt.Fprintln(notes, "* "+text) }
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() { err := c.run(ctx); cancel(err); ended <- err }() // waited for below
	err := sayAll(ctx, c, in)
	if err == nil {
		bound, done := context.WithTimeout(ctx, settleBound)
		err = c.settled(bound)
		done()
	}
	cancel(errDone)
	if why := <-ended; errors.Is(why, errRefused) {
		return why
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// errDone ends a client that has nothing more to do.
var errDone = errors.New("done")

func sayAll(ctx context.Context, c *client, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := strings.ToValidUTF8(strings.TrimRight(lines.Text(), "\r"), "�")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := checkText(text); err != nil {
			return err
		}
		if err := c.say(ctx, text); err != nil {
			return err
		}
	}
	return lines.Err()
}

// plain is a frame as one line of text; ok is false for those without one.
func plain(f frame) (text string, ok bool) {
	switch f.Type {
	case "":
		return printable(f.User) + ": " + printable(f.Text), true
	case "presence":
		return presenceText(f), true
	case "gap":
		return "* some lines are missing here", true
	case "reset":
		return "* the room lost some lines with its node, and goes on without them", true
	case "error":
		return "* " + printable(f.Text), true
	}
	return "", false
}

func presenceText(f frame) string {
	switch {
	case len(f.Left) > 0:
		return "* " + printable(strings.Join(f.Left, ", ")) + " left"
	case len(f.Joined) == len(f.Users):
		return "* here: " + printable(strings.Join(f.Users, ", "))
	}
	return "* " + printable(strings.Join(f.Joined, ", ")) + " joined"
}

// printable takes the power over the terminal from what others typed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return '�'
		}
		return r
	}, s)
}
