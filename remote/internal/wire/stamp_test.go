package wire_test

import (
	"bytes"
	"testing"

	"github.com/pando-go/pando/remote/internal/wire"
)

// TestStampWritesWhatItWasCutFrom for payloads of all lengths of their length.
func TestStampWritesWhatItWasCutFrom(t *testing.T) {
	var n wire.Names
	e := wire.Outgoing{To: wire.Text{S: "to"}, From: wire.Text{S: "from"}, FromAddress: wire.Text{S: "a:1"}, Type: wire.Text{S: "type"}}
	numbered := wire.Outgoing{To: n.Text("to"), From: n.Text("from"), FromAddress: n.Text("a:1"), Type: n.Text("type")}
	var s wire.Stamp
	s.Cut(&n, &e, &numbered)
	if !s.Fits(&n, &e) {
		t.Fatal("a stamp does not fit what it was cut from")
	}
	for _, size := range []int{0, 1, 100, 127, 128, 20_000} {
		numbered.Payload = make([]byte, size)
		got, want := s.Append(nil, numbered.Payload), wire.AppendEnvelope(nil, &numbered)
		if !bytes.Equal(got, want) || len(got) != s.Size(size) {
			t.Errorf("payload of %d bytes: got %x (size %d), want %x", size, got, s.Size(size), want)
		}
	}
}

func TestStampDoesNotFit(t *testing.T) {
	var n, other wire.Names
	e := wire.Outgoing{To: wire.Text{S: "to"}, From: wire.Text{S: "from"}, Type: wire.Text{S: "type"}}
	var s wire.Stamp
	s.Cut(&n, &e, &wire.Outgoing{To: n.Text("to"), From: n.Text("from"), Type: n.Text("type")})
	tests := []struct {
		name  string
		names *wire.Names
		e     wire.Outgoing
	}{
		{"another table", &other, e},
		{"another receiver", &n, wire.Outgoing{To: wire.Text{S: "x"}, From: e.From, Type: e.Type}},
		{"another sender", &n, wire.Outgoing{To: e.To, From: wire.Text{S: "x"}, Type: e.Type}},
		{"a sender's address", &n, wire.Outgoing{To: e.To, FromAddress: wire.Text{S: "x"}, From: e.From, Type: e.Type}},
		{"another type", &n, wire.Outgoing{To: e.To, From: e.From, Type: wire.Text{S: "x"}}},
		{"headers", &n, wire.Outgoing{To: e.To, From: e.From, Type: e.Type, Headers: map[string]string{"k": "v"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if s.Fits(tt.names, &tt.e) {
				t.Error("the stamp fits, want not")
			}
		})
	}
	var unnumbered wire.Stamp
	if unnumbered.Cut(&n, &e, &wire.Outgoing{To: wire.Text{S: "to"}, From: n.Text("from"), Type: n.Text("type")}); unnumbered.Fits(&n, &e) {
		t.Error("an envelope with a text that has no number made a stamp, want none")
	}
}

// TestEnvelopesInARow: those that differ in the payload only share a head, but for
// headers, which are a map of each message's own.
func TestEnvelopesInARow(t *testing.T) {
	payload := func(to, text string, headers map[string]string) wire.Outgoing {
		return wire.Outgoing{To: wire.Text{S: to}, Type: wire.Text{S: "t"}, Payload: []byte(text), Headers: headers}
	}
	traced := map[string]string{"k": "v"}
	sent := []wire.Outgoing{
		payload("a", "1", nil), payload("a", "22", nil), payload("a", "", nil), payload("b", "3", nil),
		payload("b", "4", traced), payload("b", "5", traced), payload("b", "6", nil),
	}
	_, got, err := new(wire.BatchReader).Read(batch(1, sent...)[wire.HeadLen:], 0)
	if err != nil || len(got) != len(sent) {
		t.Fatalf("got %d envelopes, %v", len(got), err)
	}
	for i, e := range got {
		if string(e.To.B) != sent[i].To.S || string(e.Payload) != string(sent[i].Payload) || len(e.Headers) != len(sent[i].Headers) {
			t.Errorf("envelope %d: got %s %q %v, want %v", i, e.To.B, e.Payload, e.Headers, sent[i])
		}
		shared := i > 0 && e.Head == got[i-1].Head
		if want := i == 1 || i == 2; shared != want {
			t.Errorf("envelope %d: shares the head of the one before: %v, want %v", i, shared, want)
		}
	}
}
