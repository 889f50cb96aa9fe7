package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// joinTerminal chats on a terminal: the prompt stays below what arrives, with
// editing and history.
func joinTerminal(ctx context.Context, c *client, in, out *os.File) error {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer term.Restore(int(in.Fd()), before)
	prompt := c.user + "> "
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, prompt)
	ui := &terminal{t: t, out: out, prompt: prompt}
	ui.fit()
	c.show, c.note = ui.show, func(text string) { ui.print(ui.dim("* " + text)) }
	ui.print(ui.dim("* room " + printable(c.room) + "; /who lists who is here, Ctrl-D or /quit ends"))

	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() { err := c.run(ctx); cancel(err); ended <- err }()
	typed := make(chan error, 1)
	go func() { typed <- ui.read(ctx, c) }() // may outlive this call: a read of a terminal cannot be called off
	select {
	case err = <-typed:
	case err = <-ended:
		ended <- err
	}
	cancel(errDone)
	if why := <-ended; errors.Is(why, errRefused) {
		return why
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errDone) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// terminal is the screen: t serialises writers with the line being typed.
type terminal struct {
	t      *term.Terminal
	out    *os.File
	prompt string
	width  int
}

// fit tells the line editor how wide the screen is now.
func (u *terminal) fit() {
	if w, h, err := term.GetSize(int(u.out.Fd())); err == nil && w > 0 {
		u.width = w
		_ = u.t.SetSize(w, h) // an error is one of writing to the screen
	}
}

// read says each line that is typed, until the end of input.
func (u *terminal) read(ctx context.Context, c *client) error {
	for {
		line, err := u.t.ReadLine()
		if err != nil {
			return err
		}
		u.fit()
		text := strings.TrimSpace(line)
		switch {
		case text == "":
		case text == "/quit":
			return io.EOF
		case text == "/who":
			u.print(u.dim("* here: " + printable(strings.Join(c.present(), ", "))))
		default:
			if err := checkText(text); err != nil {
				u.print(u.dim("* " + err.Error()))
				continue
			}
			u.erase(line)
			if err := c.say(ctx, text); err != nil {
				return err
			}
		}
	}
}

// erase takes the typed line off the screen: it comes back as a line of the
// room, in its place among the others'.
func (u *terminal) erase(line string) {
	if utf8.RuneCountInString(u.prompt+line) < u.width {
		_, _ = u.t.Write([]byte("\x1b[1A\r\x1b[2K"))
	}
}

func (u *terminal) show(f frame) {
	text, ok := plain(f)
	switch {
	case !ok:
	case f.Type == "":
		name := printable(f.User)
		u.print(u.paint(colourOf(f.User), name) + strings.TrimPrefix(text, name))
	default:
		u.print(u.dim(text))
	}
}

func (u *terminal) print(text string) { _, _ = u.t.Write([]byte(text + "\n")) }

func (u *terminal) dim(text string) string { return u.paint("2", text) }

func (u *terminal) paint(code, text string) string {
	if os.Getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// colourOf gives each user a colour of their own, more or less.
func colourOf(name string) string {
	colours := []string{"1;32", "1;33", "1;34", "1;35", "1;36", "1;31"}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return colours[h.Sum32()%uint32(len(colours))]
}
