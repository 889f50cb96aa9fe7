package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"
)

// remoteEnv is the variable that makes this program the near side of a remote
// measurement, and has its job.
const remoteEnv = "PEERBENCH_REMOTE"

// remoteOptions is what -only and -peers say when they name remote lines.
type remoteOptions struct {
	lines []remoteLine
	peers []remotePeer
}

// isRemote tells whether -only names remote lines.
func isRemote(only string) bool { return strings.HasPrefix(strings.TrimSpace(only), "remote") }

func (p remotePeer) id() string { return p.name }

// parseRemote reads -only and -peers for remote lines.
func (o *options) parseRemote(only, among string) error {
	if only == "remote" {
		only = names(remoteLines(), remoteLine.id)
	}
	if among == names(peers(), peer.id) { // the flag's default
		among = names(remotePeers(), remotePeer.id)
	}
	var err1, err2 error
	o.remote.lines, err1 = pick("-only", only, remoteLines(), remoteLine.id)
	o.remote.peers, err2 = pick("-peers", ours+","+among, remotePeers(), remotePeer.id)
	o.into.begin, o.into.end = remotePageBegin, remotePageEnd
	return errors.Join(err1, err2)
}

// remoteMain measures the remote lines.
func (o options) remoteMain(ctx context.Context, out, errs io.Writer) error {
	if err := o.into.check(); err != nil {
		return err
	}
	on := machine()
	got, stopped := o.remoteRounds(ctx, errs)
	if len(got) == 0 {
		return stopped
	}
	text := remoteReport{o, on, got}.String()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if stopped != nil {
		return stopped
	}
	if err := o.into.replace(text); err != nil {
		return err
	}
	return got.failures()
}

// remoteSeries are the measurements of one line and runtime, by round.
type remoteSeries []remoteMeasured

type remoteMeasured struct {
	round int
	remoteResult
	err error
}

type remoteResults map[pair]remoteSeries

// failures is an error if anything of Pando's failed.
func (r remoteResults) failures() error {
	n := 0
	for k, s := range r { // order: a sum
		for _, m := range s {
			if m.err != nil && (k.peer == ours || k.peer == oursTLS) {
				n++
			}
		}
	}
	if n > 0 {
		return fmt.Errorf("%d measurements of %s failed", n, ours)
	}
	return nil
}

// remoteRounds measures everything runs times, a line for all runtimes before the
// next, each time in another order.
func (o options) remoteRounds(ctx context.Context, progress io.Writer) (remoteResults, error) {
	got := remoteResults{}
	done, total := 0, o.runs*len(o.remote.lines)*len(o.remote.peers)
	for round := range o.runs {
		for i, l := range o.remote.lines {
			for _, p := range rotate(bare(o.remote.peers), round+i) {
				r, err := spawnRemote(ctx, o.limit, job{p.name, l.name, o.plan})
				if ctx.Err() != nil {
					return got, fmt.Errorf("stopped after %d of %d measurements", done, total)
				}
				done++
				k := pair{l.name, p.name}
				got[k] = append(got[k], remoteMeasured{round, r, err})
				fmt.Fprintf(progress, "%*d/%d  round %d  %-13s %-10s %s\n", len(fmt.Sprint(total)), done, total,
					round+1, l.name, p.name, l.shown(r, err))
			}
		}
	}
	return got, nil
}

func (l remoteLine) shown(r remoteResult, err error) string {
	if err != nil {
		return "FAILED: " + err.Error()
	}
	s := fmt.Sprintf("%s %s, allocations %.2f + %.2f, CPU %.0f + %.0f ns", number(r.Value), l.unit(),
		r.NearAllocs, r.FarAllocs, r.NearCPU, r.FarCPU)
	if l.asks > 0 {
		s += fmt.Sprintf(", p50 %s p99 %s µs", number(r.P50), number(r.P99))
	}
	return s
}

// remoteOutcome is what a near side tells its parent.
type remoteOutcome struct {
	Result remoteResult
	Error  string
}

// remoteChild is the main function of a near side.
func remoteChild(text string, out io.Writer) error {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // hollywood logs there
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("%s: %w", remoteEnv, err)
	}
	var o remoteOutcome
	var err error
	if o.Result, err = j.doRemote(context.Background()); err != nil {
		o.Error = err.Error()
	}
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%s%s\n", childMark, line)
	return err
}

// spawnRemote measures in two processes of their own. The near one is killed when
// ctx ends or after limit; the far one ends with it.
func spawnRemote(ctx context.Context, limit time.Duration, j job) (remoteResult, error) {
	self, err := os.Executable()
	if err != nil {
		return remoteResult{}, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return remoteResult{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %v", limit))
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), remoteEnv+"="+string(text))
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return remoteResult{}, childError(ctx, err, errs.Bytes())
	}
	_, line, found := bytes.Cut(out.Bytes(), childMark)
	if !found {
		return remoteResult{}, errors.New("the child told no result")
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	var o remoteOutcome
	if err := json.Unmarshal(line, &o); err != nil {
		return remoteResult{}, fmt.Errorf("the child's result: %w", err)
	}
	if o.Error != "" {
		return remoteResult{}, childError(ctx, errors.New(o.Error), errs.Bytes())
	}
	return o.Result, nil
}
