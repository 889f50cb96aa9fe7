package hosts

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asEcho makes this test binary a server on a host: it answers each line that
// comes over TCP with the same line. Its argument is the address.
const asEcho = "PANDO_HOSTS_ECHO"

// asCall makes it a client: it copies stdin, line by line, to the server and
// what comes back to stdout.
const asCall = "PANDO_HOSTS_CALL"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asEcho) != "":
		echo(os.Getenv(asEcho))
	case os.Getenv(asCall) != "":
		call(os.Getenv(asCall))
	case os.Getenv(asNode) != "":
		check(runNode(os.Getenv(asNode)))
	default:
		os.Exit(m.Run())
	}
}

func echo(address string) {
	ln, err := net.Listen("tcp", address)
	check(err)
	fmt.Println("listening")
	for {
		c, err := ln.Accept()
		check(err)
		go func() {
			defer c.Close()
			_, _ = io.Copy(c, c)
		}()
	}
}

func call(address string) {
	c, err := net.Dial("tcp", address)
	check(err)
	go func() { _, _ = io.Copy(os.Stdout, c) }()
	_, err = io.Copy(c, os.Stdin)
	check(err)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestSystemCablesAndBlocks shows that a cable, a blocked direction and a split
// do to a connection what they say, and end when they say so.
func TestSystemCablesAndBlocks(t *testing.T) {
	lan := New(t, 2)
	_, server := run(t, lan.Command(2, os.Args[0]), asEcho+"="+lan.IP(2)+":7000")
	if got := <-server; got != "listening" {
		t.Fatalf("server says %q", got)
	}
	say, heard := run(t, lan.Command(1, os.Args[0]), asCall+"="+lan.IP(2)+":7000")
	for _, c := range []struct {
		name       string
		fault, end func()
	}{
		{"cable", func() { lan.Cut(2) }, func() { lan.Heal(2) }},
		{"blocked there", func() { lan.Block(1, 2) }, func() { lan.Unblock(1, 2) }},
		{"blocked back", func() { lan.Block(2, 1) }, func() { lan.Unblock(2, 1) }},
		{"split", func() { lan.Split([]int{1}, []int{2}) }, func() { lan.Join([]int{1}, []int{2}) }},
	} {
		fmt.Fprintln(say, c.name, "before")
		if got := <-heard; got != c.name+" before" {
			t.Fatalf("%s: got %q before the fault", c.name, got)
		}
		c.fault()
		fmt.Fprintln(say, c.name, "during")
		select {
		case got := <-heard:
			t.Errorf("%s: got %q during the fault", c.name, got)
		case <-time.After(300 * time.Millisecond):
		}
		c.end()
		select {
		case got := <-heard:
			if got != c.name+" during" {
				t.Errorf("%s: got %q after the fault", c.name, got)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: nothing arrives after the fault", c.name)
		}
	}
}

// run starts a process and returns its stdin and the lines of its stdout.
func run(t *testing.T, cmd *exec.Cmd, env string) (io.Writer, <-chan string) {
	t.Helper()
	cmd.Env = append(os.Environ(), env)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- strings.TrimSpace(s.Text())
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return in, lines
}

func TestSystemHostsAreRemoved(t *testing.T) {
	var lan *LAN
	t.Run("with hosts", func(t *testing.T) {
		lan = New(t, 3)
		if got := len(lan.namespaces()); got != 4 {
			t.Errorf("got %d namespaces, want a bridge and 3 hosts", got)
		}
	})
	if lan == nil {
		t.Skip("no hosts here")
	}
	if left := lan.namespaces(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
