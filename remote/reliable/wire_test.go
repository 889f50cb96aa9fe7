package reliable

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestPackIsAny(t *testing.T) {
	for name, m := range map[string]proto.Message{
		"empty":  &wrapperspb.StringValue{},
		"text":   wrapperspb.String("tea"),
		"nested": &anypb.Any{TypeUrl: "x/y", Value: []byte{1}},
		"large":  wrapperspb.Bytes(make([]byte, 100_000)),
	} {
		t.Run(name, func(t *testing.T) {
			b, err := pack(m)
			if err != nil {
				t.Fatal(err)
			}
			var a anypb.Any
			if err := proto.Unmarshal(b, &a); err != nil {
				t.Fatal(err)
			}
			if got, err := a.UnmarshalNew(); err != nil || !proto.Equal(got, m) {
				t.Errorf("anypb reads %v, %v, want %v", got, err, m)
			}
			std, err := anypb.New(m)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := proto.Marshal(std)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := unpack[proto.Message](raw); err != nil || !proto.Equal(got, m) {
				t.Errorf("unpack reads %v, %v, want %v", got, err, m)
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	other, err := pack(durationpb.New(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":       nil,
		"another type":  other,
		"cut":           other[:len(other)-1],
		"unknown type":  []byte("\n\x03x/y"),
		"no such field": []byte("\xff"),
	} {
		if m, err := unpack[*wrapperspb.StringValue](b); err == nil {
			t.Errorf("%s: got %v, want an error", name, m)
		}
	}
}

// FuzzUnpack: no bytes make it panic, and what it reads packs to the same message.
func FuzzUnpack(f *testing.F) {
	for _, m := range []proto.Message{wrapperspb.String("tea"), durationpb.New(5)} {
		b, err := pack(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\n\x03x/y\x12\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := unpack[proto.Message](b)
		if err != nil {
			return
		}
		again, err := pack(m)
		if err != nil {
			t.Skip("read what cannot be written, such as text that is not UTF-8")
		}
		if got, err := unpack[proto.Message](again); err != nil || !proto.Equal(got, m) {
			t.Errorf("got %v, %v, want %v", got, err, m)
		}
	})
}
