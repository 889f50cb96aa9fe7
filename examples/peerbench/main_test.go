package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also the main function of the children that tests start.
func TestMain(m *testing.M) {
	asChild()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // hollywood logs there
	// A node of ergo waits for a signal for ever.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("ergo.services/ergo/node.(*node).SetCTRLC.func1"))
}

// tiny is a plan for a test.
func tiny() plan {
	return plan{
		For: time.Nanosecond, Patience: 10 * time.Second,
		Tell: 80, Rounds: 10, Asks: 4, Spawns: 3, Fan: 20, Idle: 50,
	}
}

func TestEveryWorkloadOnEveryRuntime(t *testing.T) {
	for _, p := range peers() {
		for _, w := range workloads() {
			t.Run(p.name+"/"+w.name, func(t *testing.T) {
				r, closeRuntime, err := job{p.name, w.name, tiny()}.do(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if r.Value <= 0 && w.name != "idle" { // so few actors drown in garbage
					t.Errorf("value: got %v, want more than 0", r.Value)
				}
				if err := closeRuntime(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
	}
}

func TestChildProcess(t *testing.T) {
	measure := spawnChild(time.Minute)
	r, err := measure(t.Context(), job{"pando", "tell1", tiny()})
	if err != nil || r.Value <= 0 {
		t.Errorf("got %v, %v, want a value", r, err)
	}
	_, err = measure(t.Context(), job{"pando", "swim", tiny()})
	if got, want := errText(err), `no workload is called "swim"`; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measure(ctx, job{"pando", "tell1", tiny()}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	_, err = spawnChild(time.Nanosecond)(t.Context(), job{"pando", "tell1", tiny()})
	if got, want := errText(err), "not done after 1ns"; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

func TestOutcome(t *testing.T) {
	for name, tc := range map[string]struct {
		out  string
		want result
		err  string
	}{
		"a result":         {"\npeerbench: {\"Result\":{\"Value\":2,\"Allocs\":1}}\n", result{2, 1}, ""},
		"amid other lines": {"hello\npeerbench: {\"Result\":{\"Value\":2,\"Allocs\":1}}\nbye", result{2, 1}, ""},
		"an error":         {"peerbench: {\"Error\":\"messages were lost\"}", result{}, "messages were lost"},
		"nothing":          {"hello", result{}, "the child told no result"},
		"half a line":      {"peerbench: {", result{}, "the child's result: unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseOutcome([]byte(tc.out))
			if got != tc.want || errText(err) != tc.err {
				t.Errorf("got %v, %q, want %v, %q", got, errText(err), tc.want, tc.err)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		args string
		want string // the runtimes and the lines
		err  string
	}{
		"defaults":       {"", "pando,protoactor,goakt,hollywood,ergo tell1,tell8,pingpong,ask,asklimit,spawn,fanout,idle", ""},
		"some":           {"-peers ergo,goakt -only ask,tell1", "pando,goakt,ergo tell1,ask", ""},
		"spaces":         {"-peers=pando -only=ask,,tell1,", "pando tell1,ask", ""},
		"unknown line":   {"-only swim", "", `-only: no "swim", there are tell1,tell8,pingpong,ask,asklimit,spawn,fanout,idle`},
		"unknown peer":   {"-peers akka", "", `-peers: no "akka", there are pando,protoactor,goakt,hollywood,ergo`},
		"no line":        {"-only=,", "", "-only: names nothing"},
		"bad numbers":    {"-runs 0 -n 0 -d 0s -idleruns -1 -parked -1", "", "-runs must be at least 1\n-idleruns and -parked must not be negative\n-d and -limit must be positive\n-n must be at least 1"},
		"an argument":    {"tell1", "", `"tell1": there are only flags`},
		"not a duration": {"-d fast", "", `invalid value "fast" for flag -d: parse error`},
		"help":           {"-h", "", flag.ErrHelp.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parse(strings.Fields(tc.args), io.Discard)
			if errText(err) != tc.err {
				t.Fatalf("got error %q, want %q", errText(err), tc.err)
			}
			if err != nil {
				return
			}
			if got := names(o.peers, peer.id) + " " + names(o.workloads, workload.id); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTablesIntoAPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# Before\n" + pageBegin + "old\n" + pageEnd + "after\n")
	var out, errs bytes.Buffer
	args := []string{"-runs", "1", "-d", "1ns", "-n", "10", "-only", "idle", "-peers", "protoactor", "-into", path}
	if err := mainErr(t.Context(), args, &out, &errs); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "# Before\n" + pageBegin + out.String() + pageEnd + "after\n"; string(got) != want {
		t.Errorf("got page\n%s\nwant\n%s", got, want)
	}
	if n := strings.Count(errs.String(), "\n"); n != 2 {
		t.Errorf("got %d lines of progress, want 2:\n%s", n, &errs)
	}
	write("# No place\n")
	err = mainErr(t.Context(), args, io.Discard, io.Discard)
	if got, want := errText(err), "-into: "+path+` lacks the lines "<!-- peerbench: begin -->" and "<!-- peerbench: end -->"`; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
