package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestRemoteLines measures between two processes: one way and asks, each runtime.
func TestRemoteLines(t *testing.T) {
	p := tiny()
	for _, peer := range remotePeers() {
		lines := []string{"remotetell1k", "remoteask64"}
		if peer.name == "goakt" { // now and then it does not answer one of 64, and waits 10 s
			lines[1] = "remoteask"
		}
		for _, line := range lines {
			t.Run(peer.name+"/"+line, func(t *testing.T) {
				r, err := spawnRemote(t.Context(), time.Minute, job{peer.name, line, p})
				if err != nil {
					t.Fatal(err)
				}
				if r.Value <= 0 || r.FarAllocs <= 0 {
					t.Errorf("got %+v, want a value and allocations", r)
				}
				if line != "remotetell1k" && (r.P50 <= 0 || r.P99 < r.P50) {
					t.Errorf("got p50 %v and p99 %v, want p50 above 0 and p99 not below", r.P50, r.P99)
				}
			})
		}
	}
}

func TestRemoteChildFails(t *testing.T) {
	_, err := spawnRemote(t.Context(), time.Minute, job{"akka", "remotetell", tiny()})
	if got, want := errText(err), `no runtime with a network is called "akka"`; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
	_, err = spawnRemote(t.Context(), time.Minute, job{"tcp", "remoteswim", tiny()})
	if got, want := errText(err), `no remote line is called "remoteswim"`; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

// TestRemoteLossIsAnError: the checksum tells a message that came twice from two.
func TestRemoteLossIsAnError(t *testing.T) {
	c := &farCounter{batch: 2, full: make(chan sum, 4)}
	c.got(1, 5)
	c.got(1, 5) // the first again, in place of the second
	want := sum{Count: 2, Seqs: 3, Bytes: 10}
	if got := c.sofar(); got == want {
		t.Errorf("got the sum %+v for a message that came twice and one that was lost", got)
	}
	if got := <-c.full; got.Count != 2 {
		t.Errorf("got a batch at %d messages, want at 2", got.Count)
	}
}

func TestRemoteFlags(t *testing.T) {
	all := "pando,pando-tls,protoactor,goakt,hollywood,ergo,tcp"
	for name, tc := range map[string]struct {
		args string
		want string
		err  string
	}{
		"all":          {"-only remote", all + " remotetell,remotetell1k,remoteask,remoteask1k,remoteask64,remoteask641k", ""},
		"some":         {"-only remoteask,remotetell -peers tcp", "pando,tcp remotetell,remoteask", ""},
		"mixed":        {"-only remotetell,ask", "", `-only: no "ask", there are remotetell,remotetell1k,remoteask,remoteask1k,remoteask64,remoteask641k`},
		"unknown peer": {"-only remote -peers akka", "", `-peers: no "akka", there are ` + all},
		"bad numbers":  {"-only remote -runs 0", "", "-runs must be at least 1"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parse(strings.Fields(tc.args), io.Discard)
			if errText(err) != tc.err {
				t.Fatalf("got error %q, want %q", errText(err), tc.err)
			}
			if err != nil {
				return
			}
			if got := names(o.remote.peers, remotePeer.id) + " " + names(o.remote.lines, remoteLine.id); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRemoteReport(t *testing.T) {
	o, err := parse(strings.Fields("-only remotetell,remoteask -peers pando-tls,hollywood,tcp -runs 2"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	got := remoteResults{}
	put := func(line, peer string, values ...float64) {
		for round, v := range values {
			m := remoteMeasured{round: round, remoteResult: remoteResult{Value: v, P50: v, P99: 2 * v, NearAllocs: 0.1, FarAllocs: 2.1, NearCPU: 500, FarCPU: 700}}
			if v == 0 {
				m.err = errors.New("lost")
			}
			got[pair{line, peer}] = append(got[pair{line, peer}], m)
		}
	}
	put("remotetell", ours, 1000, 1200)
	put("remotetell", oursTLS, 500, 600)
	put("remotetell", "hollywood", 250, 300)
	put("remotetell", bareTCP, 4000, 0)
	put("remoteask", ours, 60, 40)
	put("remoteask", oursTLS, 60, 40)
	put("remoteask", "hollywood", 120, 100)
	put("remoteask", bareTCP, 30, 20)
	text := remoteReport{o, "a machine", got}.String()
	for _, want := range []string{
		"| one-way, 64 bytes, k/s ↑ | **1,100** [1,000–1,200] | 550 [500–600] | 275 [250–300] | 4,000, 1 of 2 failed |",
		"| one-way, 64 bytes | 2.00 [2.00–2.00] | 4.00 [4.00–4.00] | 0.25 | ≥ 3 × best peer, ≤ 0.3 allocations beyond the message, TLS within 1.5 × | **not met**: TLS 2.00 |",
		"| ask, 64 bytes, 1 in flight | 1.00 [1.00–1.00] | 2.25 [2.00–2.50] | 0.50 [0.50–0.50] | ≤ 1.5 × bare TCP, TLS within 1.5 × | **not met**: bare TCP × 2.00 |",
		"| ask, 64 bytes, 1 in flight | 50.0 / 100 | 50.0 / 100 | 110 / 220 | 25.0 / 50.0 |",
		"| one-way, 64 bytes | 0.10 + 2.10 |",
		"| one-way, 64 bytes | 0.50 + 0.70 |",
		"| one-way, 64 bytes | 1.00 [1.00–1.00] | 1.00 [1.00–1.00] | 1.00 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks\n%s\n%s", want, text)
		}
	}
}

func TestDecodingAllocs(t *testing.T) {
	if got, want := decodingAllocs(53), 2.0; got != want { // the message and its text
		t.Errorf("got %v, want %v", got, want)
	}
}
