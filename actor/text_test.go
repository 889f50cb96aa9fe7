package actor_test

import (
	"strings"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

func TestRefText(t *testing.T) {
	here := newSystem(t, actor.Config{Name: "chat", Address: "10.0.0.1:7001", UID: 0x2a})
	alone := newSystem(t, actor.Config{Name: "chat"})
	tests := map[string]struct {
		sys         *actor.System
		address, id string
		want        string
	}{
		"here":        {here, "10.0.0.1:7001", "greeter", "pando://chat@10.0.0.1:7001/greeter"},
		"child":       {here, "10.0.0.1:7001", "room/go", "pando://chat@10.0.0.1:7001/room/go"},
		"anonymous":   {here, "10.0.0.1:7001", "$3fk2.9", "pando://chat@10.0.0.1:7001/$3fk2.9"},
		"incarnation": {here, "10.0.0.1:7001", "x#ff", "pando://chat@10.0.0.1:7001/x#ff"},
		"IPv6":        {here, "[::1]:7001", "x", "pando://chat@[::1]:7001/x"},
		"entity":      {here, "pando", "room/go", "pando://chat/room/go"},
		"odd entity":  {here, "pando", "room/c#1f/ü?%", "pando://chat/room/c%231f/%C3%BC%3F%25"},
		"spaces":      {here, "h:1", "a b\n", "pando://chat@h:1/a%20b%0A"},
		"no address":  {alone, "nonhost", "greeter", "pando://chat@/greeter"},
		"not a UID":   {here, "h:1", "a#FF", "pando://chat@h:1/a%23FF"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := actor.RefOf[any](test.sys, pa.NewPID(test.address, test.id)).String()
			if got != test.want {
				t.Errorf("String = %s, want %s", got, test.want)
			}
			back, err := actor.ParseRef[any](test.sys, got)
			if err != nil {
				t.Fatal(err)
			}
			if pid := back.PID(); pid.Address != test.address || pid.Id != test.id {
				t.Errorf("ParseRef = %v, want %s %s", pid, test.address, test.id)
			}
		})
	}
	if got := (actor.Ref[any]{}).String(); got != "" {
		t.Errorf("zero Ref = %q, want empty", got)
	}
}

func TestBadRefText(t *testing.T) {
	sys := newSystem(t, actor.Config{Name: "chat", Address: "10.0.0.1:7001"})
	tests := map[string]struct{ text, want string }{
		"empty":          {"", "does not begin with pando://"},
		"other scheme":   {"http://chat@h:1/x", "does not begin with pando://"},
		"other cluster":  {"pando://shop@h:1/x", `is of cluster "shop", this is "chat"`},
		"no id":          {"pando://chat@h:1/", "has no id"},
		"no slash":       {"pando://chat@h:1", "has no id"},
		"no node":        {"pando://chat@/x", "names no node"},
		"reserved":       {"pando://chat@nonhost/x", "reserved"},
		"asker":          {"pando://chat@$ask/x", "reserved"},
		"no kind":        {"pando://chat/room", "is no kind/id"},
		"empty entity":   {"pando://chat/room/", "is no kind/id"},
		"entity UID":     {"pando://chat/room/go#1", "an entity has no UID"},
		"bad UID":        {"pando://chat@h:1/x#xyz", "bad UID"},
		"padded UID":     {"pando://chat@h:1/x#0a", "bad UID"},
		"escaped UID":    {"pando://chat@h:1/x%23a", "escaped '#'"},
		"broken escape":  {"pando://chat@h:1/x%2", "broken % escape"},
		"broken address": {"pando://chat@h%ZZ/x", "broken % escape"},
		"too long":       {"pando://chat@h:1/" + strings.Repeat("x", 5000), "longer than 4096 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := actor.ParseRef[any](sys, test.text)
			wantErr(t, err, actor.ErrBadRef)
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that says %q", err, test.want)
			}
		})
	}
}

func TestOwnIncarnationIsStripped(t *testing.T) {
	sys := newSystem(t, actor.Config{Address: "h:1", UID: 0x2a})
	ref := spawn(t, sys, "x", doer)
	own, err := actor.ParseRef[any](sys, ref.String()+"#2a")
	if err != nil {
		t.Fatal(err)
	}
	if got := ask[int](t, own, 1); got != 1 {
		t.Errorf("answer = %d, want 1", got)
	}
	old, err := actor.ParseRef[any](sys, ref.String()+"#29")
	if err != nil {
		t.Fatal(err)
	}
	_, err = actor.Ask[int](soon(t), old.With(1))
	wantErr(t, err, actor.ErrNoActor)
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{
		"pando://chat@10.0.0.1:7001/$3fk2.9", "pando://chat@h:1/x#1f", "pando://chat/room/go",
		"pando://chat/room/c%231f", "pando://chat@h:1/a%20b%00", "pando://chat@/x", "pando://", "pando://chat@h:1/%23a#b",
	} {
		f.Add(s)
	}
	sys := newSystem(f, actor.Config{Name: "chat", Address: "h:1", UID: 0x2a})
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := actor.ParseRef[any](sys, text)
		if err != nil {
			return
		}
		again, err := actor.ParseRef[any](sys, ref.String())
		if err != nil {
			t.Fatalf("String of %q is %q, which does not parse: %v", text, ref, err)
		}
		if a, b := ref.PID(), again.PID(); a.Address != b.Address || a.Id != b.Id {
			t.Fatalf("%q became %v, then %v", text, a, b)
		}
	})
}

func FuzzRefString(f *testing.F) {
	f.Add("10.0.0.1:7001", "greeter")
	f.Add("pando", "room/a#b")
	f.Add("h:1", "x#1f")
	sys := newSystem(f, actor.Config{Name: "chat", Address: "h:1", UID: 0x2a})
	f.Fuzz(func(t *testing.T, address, id string) {
		pid := pa.NewPID(address, id)
		ref, err := actor.ParseRef[any](sys, actor.RefOf[any](sys, pid).String())
		if err != nil {
			return // not an address or id that any actor can have
		}
		if got := ref.PID(); got.Address != address || got.Id != id && id != got.Id+"#2a" {
			t.Fatalf("%q %q came back as %q %q", address, id, got.Address, got.Id)
		}
	})
}
