package store_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/internal/store"
)

// update writes the golden replies anew, from a real server.
var update = flag.Bool("update", false, "ask a real redis-server for the golden replies")

// scriptLine is one command of testdata/commands.txt.
type scriptLine struct {
	text      string
	words     [][]byte
	unordered bool
}

func script(t *testing.T) (lines []scriptLine) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "commands.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(string(data), "\n") {
		if text == "" || text[0] == '#' {
			continue
		}
		l := scriptLine{text: text}
		rest, unordered := strings.CutPrefix(text, "~")
		l.unordered = unordered
		for rest != "" {
			word, after, _ := strings.Cut(rest, " ")
			if rest[0] == '"' {
				quoted, err := strconv.QuotedPrefix(rest)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				word, _ = strconv.Unquote(quoted)
				after = strings.TrimPrefix(rest[len(quoted):], " ")
			}
			l.words = append(l.words, []byte(word))
			rest = after
		}
		lines = append(lines, l)
	}
	return lines
}

// sorted brings the elements of a flat reply into one order.
func sorted(reply string) string {
	parts := strings.SplitAfter(reply, "\r\n")
	head, elements := parts[0], []string{}
	for i := 1; i+1 < len(parts); i += 2 {
		elements = append(elements, parts[i]+parts[i+1])
	}
	slices.Sort(elements)
	return head + strings.Join(elements, "")
}

func golden(version int) string {
	return filepath.Join("testdata", fmt.Sprintf("replies%d.txt", version))
}

func readGolden(t *testing.T, version int) []string {
	t.Helper()
	data, err := os.ReadFile(golden(version))
	if err != nil {
		t.Fatal(err)
	}
	var replies []string
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		r, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		replies = append(replies, r)
	}
	return replies
}

// TestReplies compares each reply with that of a real server.
func TestReplies(t *testing.T) {
	lines := script(t)
	for _, version := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", version), func(t *testing.T) {
			want := readGolden(t, version)
			if len(want) != len(lines) {
				t.Fatalf("got %d golden replies, want %d: run TestSystemParity -update", len(want), len(lines))
			}
			s := store.New(1)
			now := time.Now().UnixMilli()
			for i, l := range lines {
				w := resp.Writer{V3: version == 3}
				s.Do(now, l.words, &w)
				got := string(w.Buf)
				if l.unordered {
					got, want[i] = sorted(got), sorted(want[i])
				}
				if got != want[i] {
					t.Errorf("%s:\n got %q\nwant %q", l.text, got, want[i])
				}
			}
		})
	}
}

// TestSystemParity holds the golden replies against a real server.
func TestSystemParity(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not there")
		}
		t.Skip("redis-server is not there: apt-get install redis-server")
	}
	lines := script(t)
	for _, version := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", version), func(t *testing.T) {
			conn, in := realServer(t, program)
			if version == 3 {
				ask(t, conn, in, [][]byte{[]byte("hello"), []byte("3")})
			}
			var text strings.Builder
			var want []string
			if !*update {
				want = readGolden(t, version)
			}
			for i, l := range lines {
				got := ask(t, conn, in, l.words)
				fmt.Fprintf(&text, "%q\n", got)
				if *update {
					continue
				}
				if l.unordered {
					got, want[i] = sorted(got), sorted(want[i])
				}
				if got != want[i] {
					t.Errorf("%s:\n real %q\nwanted %q", l.text, got, want[i])
				}
			}
			if *update {
				if err := os.WriteFile(golden(version), []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// realServer starts a server on a socket file, and returns a connection to it.
func realServer(t *testing.T, program string) (net.Conn, *bufio.Reader) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kv") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		os.RemoveAll(dir)
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn, bufio.NewReader(conn)
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// ask sends a command and returns the raw reply.
func ask(t *testing.T, conn net.Conn, in *bufio.Reader, words [][]byte) string {
	t.Helper()
	var w resp.Writer
	w.Array(len(words))
	for _, word := range words {
		w.Bulk(word)
	}
	if _, err := conn.Write(w.Buf); err != nil {
		t.Fatal(err)
	}
	var reply bytes.Buffer
	if err := readReply(in, &reply); err != nil {
		t.Fatal(err)
	}
	return reply.String()
}

// readReply copies one reply.
func readReply(in *bufio.Reader, to *bytes.Buffer) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	to.WriteString(line)
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch line[0] {
	case '$', '=':
		if n >= 0 {
			b := make([]byte, n+2)
			if _, err := io.ReadFull(in, b); err != nil {
				return err
			}
			to.Write(b)
		}
	case '%':
		n *= 2
		fallthrough
	case '*', '~', '>':
		for range max(n, 0) {
			if err := readReply(in, to); err != nil {
				return err
			}
		}
	}
	return nil
}
