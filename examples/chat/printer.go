package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/pando-go/pando/examples/internal/launcher"
)

// printer writes the launcher's lines, one at a time, from any goroutine.
type printer struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
	now    func() time.Time
}

// newPrinter uses colours if w is a terminal and NO_COLOR is not set.
func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	colour := ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	return &printer{w: w, colour: colour, now: time.Now}
}

// The colours, as SGR codes.
const (
	bold   = "1"
	dim    = "2"
	green  = "32"
	yellow = "33"
	red    = "31"
	cyan   = "36"
)

func (p *printer) paint(code, s string) string {
	if !p.colour || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) line(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.w, s)
}

// say prints one line of the launcher itself.
func (p *printer) say(format string, args ...any) {
	p.line(p.clock() + fmt.Sprintf(format, args...))
}

func (p *printer) clock() string { return p.paint(dim, p.now().Format("15:04:05")) + "  " }

// welcome says where to look, and which processes there are to kill.
func (p *printer) welcome(places []place, children []*launcher.Child) {
	var b strings.Builder
	b.WriteString(p.paint(bold, "A chat on three nodes.") + " Open it on any of them:\n\n")
	for i, n := range places {
		detail := fmt.Sprintf("node %s, process %d", n.listen, children[i].PID())
		fmt.Fprintf(&b, "  %-12s%s   %s\n", n.title, p.paint(cyan, "http://"+n.http), p.paint(dim, detail))
	}
	last := places[len(places)-1].http
	fmt.Fprintf(&b, "\nOr in a terminal: %s\n", p.paint(cyan, "go run ./examples/chat join -http "+last+" -room grove -user "+loginOr("ada")))
	b.WriteString("Ctrl-C stops all three.\n")
	p.line(b.String())
}

// of prints a line that a node printed, under the node's name.
func (p *printer) of(n place) func(line string) {
	name := p.paint(dim, fmt.Sprintf("%-10s │ ", n.title))
	return func(line string) { p.line(p.clock() + name + line) }
}
