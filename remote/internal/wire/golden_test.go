package wire_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

var update = flag.Bool("update", false, "write testdata/frames.txt anew")

type golden struct {
	kind  wire.Kind
	about string
	frame []byte
}

// goldenFrames are one or more of each kind, as this version writes them.
func goldenFrames(t testing.TB) []golden {
	var names wire.Names
	names.Text("room/go")
	names.Text("string")
	fragment := wire.Fragment{Seq: 2, Transfer: 1, Size: 3, Data: []byte{1, 2, 3}}
	end := wire.Fragment{Seq: 3, Transfer: 1}
	packed := wire.BeginPacked(nil, wire.KindBatch, 9)
	head := len(packed)
	packed = append(packed, "abc"...)
	wire.EndPacked(packed, head)
	return []golden{
		{wire.KindHello, "with everything", frame(t, wire.KindHello, &remotepb.Hello{
			MinVersion: 1, MaxVersion: 2, Cluster: "chat", Address: "a:1", Uid: 258, Lane: remotepb.Lane_LANE_USER,
			Dialled: "b:1", Index: 1, Compressions: []string{"zstd"}, Nonce: []byte{7}})},
		{wire.KindWelcome, "with everything", frame(t, wire.KindWelcome, &remotepb.Welcome{
			Version: 1, Cluster: "chat", Address: "b:1", Uid: 3, Received: 4, MaxMessage: 5, Compression: "zstd"})},
		{wire.KindChallenge, "", frame(t, wire.KindChallenge, &remotepb.Challenge{Nonce: []byte{7}})},
		{wire.KindProof, "", frame(t, wire.KindProof, &remotepb.Proof{Mac: []byte{8}})},
		{wire.KindRefusal, "", frame(t, wire.KindRefusal, &remotepb.Refusal{Code: "uid", Text: "why", Exceed: 9})},
		{wire.KindDefine, "the first of a table", names.AppendDefine(nil, 0, 1)},
		{wire.KindDefine, "more of it", names.AppendDefine(nil, 1, 2)},
		{wire.KindBatch, "numbers, an asker", batch(1, wire.Outgoing{
			To: wire.Text{Ref: 1}, From: text("$ask/1"), Type: wire.Text{Ref: 2}, Payload: []byte("hi")})},
		{wire.KindBatch, "texts, headers", batch(1, wire.Outgoing{
			To: text("x"), FromAddress: text("c:1"), From: text("y"), Type: text("bytes"),
			Headers: map[string]string{"traceparent": "00-1-2-01", "tracestate": "a=b"}, Payload: []byte("hi")})},
		{wire.KindBatch, "empty", batch(2)},
		{wire.KindControl, "", frame(t, wire.KindControl, &remotepb.Control{Service: "member", Payload: []byte{1}})},
		{wire.KindSystem, "watch", frame(t, wire.KindSystem, &remotepb.System{
			Seq: 1, Op: remotepb.System_OP_WATCH, Target: "x", Other: "w"})},
		{wire.KindSystem, "terminated", frame(t, wire.KindSystem, &remotepb.System{
			Seq: 1, Op: remotepb.System_OP_TERMINATED, Target: "w", Other: "x", Why: 2, Lane: 1, After: 300})},
		{wire.KindAck, "", wire.Ack{Batch: 1, Control: 2, System: 300}.Append(nil)},
		{wire.KindSpawn, "", frame(t, wire.KindSpawn, &remotepb.Spawn{Id: 1, Kind: "k", ActorId: "i", Name: "n"})},
		{wire.KindSpawned, "", frame(t, wire.KindSpawned, &remotepb.Spawned{Id: 1, Actor: "$1"})},
		{wire.KindFragment, "", append(fragment.AppendHead(nil), fragment.Data...)},
		{wire.KindFragment, "given up", end.AppendHead(nil)},
		{wire.KindPacked, "", packed},
	}
}

// TestGoldenFrames fixes the bytes of protocol version 1. A peer of this version
// writes and reads those in testdata/frames.txt, so a change there is a new
// version of the protocol.
func TestGoldenFrames(t *testing.T) {
	const path = "testdata/frames.txt"
	var got strings.Builder
	got.WriteString("# Frames of protocol version 1: what it is, length | kind | body.\n")
	for _, g := range goldenFrames(t) {
		h := hex.EncodeToString(g.frame)
		fmt.Fprintf(&got, "%-20s %s|%s|%s\n", strings.TrimSpace(g.kind.String()+" "+strings.ReplaceAll(g.about, " ", "-")), h[:8], h[8:10], h[10:])
	}
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, g := bufio.NewScanner(bytes.NewReader(want)), bufio.NewScanner(strings.NewReader(got.String()))
	for w.Scan() {
		if !g.Scan() || g.Text() != w.Text() {
			t.Errorf("got  %s\nwant %s", g.Text(), w.Text())
		}
	}
	if g.Scan() {
		t.Errorf("got %s, which the file does not have", g.Text())
	}
}

// TestGoldenFramesAreRead: each kind of frame is told apart and understood.
func TestGoldenFramesAreRead(t *testing.T) {
	for _, g := range goldenFrames(t) {
		k, body, err := wire.NewReader(bytes.NewReader(g.frame)).Next()
		if err != nil || k != g.kind || !bytes.Equal(body, g.frame[wire.HeadLen:]) {
			t.Errorf("%v: got %v, %x, %v", g.kind, k, body, err)
		}
		if s := wire.Describe(k, body); strings.Contains(s, "bytes that are no") || strings.HasPrefix(k.String(), "kind(") {
			t.Errorf("%v: got %q", g.kind, s)
		}
	}
}
