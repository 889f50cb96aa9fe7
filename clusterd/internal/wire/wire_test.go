package wire

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
	"github.com/pando-go/pando/seedjoin"
)

// engineBodies and joinBodies are one of each body. TestEveryBodyIsHere holds
// that none is missing.
func engineBodies() []engine.Body {
	return []engine.Body{
		&engine.Heartbeat{}, &engine.Digest{}, &engine.Request{}, &engine.Delta{}, &engine.Welcome{},
		&engine.ReadWave{}, &engine.Promise{}, &engine.WriteWave{}, &engine.Ack{}, &engine.Refusal{},
		&engine.Commit{}, &engine.Gone{}, &engine.Poll{}, &engine.Aside{}, &engine.Known{}, &engine.Lack{}, &engine.Vouch{},
		&engine.Seek{}, &engine.Sign{},
		&engine.Pending{}, &engine.Ended{}, &engine.Recovered{}, &engine.Page{},
	}
}

func joinBodies() []seedjoin.Body {
	return []seedjoin.Body{seedjoin.Probe{}, seedjoin.Answer{}, seedjoin.Join{}, seedjoin.Refusal{}, seedjoin.Invite{}, seedjoin.Look{}, seedjoin.Reached{}, seedjoin.Yielding{}}
}

func TestEveryBodyIsHere(t *testing.T) {
	var engines, joins []string
	for _, b := range engineBodies() {
		engines = append(engines, reflect.TypeOf(b).Elem().Name())
	}
	for _, b := range joinBodies() {
		joins = append(joins, reflect.TypeOf(b).Name())
	}
	for _, c := range []struct {
		dir, method string // the method that every Body has
		here        []string
	}{{"../../engine", "absent", engines}, {"../../../seedjoin", "body", joins}} {
		declared := typesWith(t, c.dir, c.method)
		slices.Sort(c.here)
		if diff := cmp.Diff(c.here, declared); diff != "" {
			t.Errorf("bodies tested here (-) and declared in %s (+):\n%s", c.dir, diff)
		}
	}
}

// typesWith lists the types in the package of a folder that have a method.
func typesWith(t *testing.T, dir, method string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
				typ := f.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				names = append(names, typ.(*ast.Ident).Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// filler fills values at random, every field of every struct.
type filler struct{ *rand.Rand }

func (f filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() { // what is not exported is not on the wire
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		if n := f.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString([]string{"", "a", "127.0.0.1:7001", "zürich", "\x00"}[f.IntN(5)])
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int64:
		v.SetInt(int64(f.Uint64()) >> f.IntN(64))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.Uint64() >> (64 - v.Type().Bits()) >> f.IntN(v.Type().Bits()))
	default:
		panic("no random " + v.Type().String())
	}
}

func (f filler) node() member.Node {
	var n member.Node
	f.fill(reflect.ValueOf(&n).Elem())
	return n
}

// packets returns one random packet of each body.
func (f filler) packets() []*core.Packet {
	var ps []*core.Packet
	for _, body := range engineBodies() {
		f.fill(reflect.ValueOf(body).Elem())
		if p, ok := body.(*engine.Promise); ok && f.IntN(2) == 0 {
			p.Acked = nil
		}
		m := &engine.Message{From: f.node(), To: f.node(), Body: body}
		f.fill(reflect.ValueOf(&m.Identity).Elem())
		ps = append(ps, &core.Packet{From: m.From, To: m.To, Engine: m})
	}
	for _, body := range joinBodies() {
		v := reflect.New(reflect.TypeOf(body)).Elem()
		f.fill(v)
		m := &seedjoin.Message{From: f.node(), To: f.node(), Body: v.Interface().(seedjoin.Body)}
		ps = append(ps, &core.Packet{From: m.From, To: m.To, Join: m})
	}
	return ps
}

func bodyName(p *core.Packet) string {
	if p.Engine != nil {
		return fmt.Sprintf("%T", p.Engine.Body)
	}
	return fmt.Sprintf("%T", p.Join.Body)
}

// onWire compares what is on the wire.
var onWire = cmpopts.IgnoreUnexported(member.Patch{}, member.Record{}, reach.Row{}, engine.Page{})

func TestRoundTrip(t *testing.T) {
	f := filler{rand.New(rand.NewPCG(1, 2))}
	for range 60 {
		for _, want := range f.packets() {
			payload, err := Append(nil, want)
			if err != nil {
				t.Fatalf("%s: %v", bodyName(want), err)
			}
			got, err := Decode(want.From, payload)
			if err != nil {
				t.Fatalf("%s: %v", bodyName(want), err)
			}
			if diff := cmp.Diff(want, got, onWire); diff != "" {
				t.Fatalf("%s: sent (-) and got (+):\n%s", bodyName(want), diff)
			}
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	p := filler{rand.New(rand.NewPCG(3, 4))}.packets()[0]
	alone, err := Append(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	after, err := Append([]byte("head"), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := append([]byte("head"), alone...); !bytes.Equal(after, want) {
		t.Errorf("got %x, want %x", after, want)
	}
}

func TestAppendRefuses(t *testing.T) {
	long := strings.Repeat("x", maxString+1)
	row := &reach.Row{Accused: make([]member.Node, maxMembers+1)}
	big := &engine.Delta{}
	for range maxMembers {
		big.Records = append(big.Records, &member.Record{Own: member.Own{Info: member.Info{Zone: strings.Repeat("z", 200)}}})
	}
	cases := []struct {
		name string
		p    *core.Packet
		want error
	}{
		{"no body", &core.Packet{}, ErrMalformed},
		{"two bodies", &core.Packet{Engine: &engine.Message{}, Join: &seedjoin.Message{}}, ErrMalformed},
		{"nil engine body", &core.Packet{Engine: &engine.Message{}}, ErrUnknownBody},
		{"nil join body", &core.Packet{Join: &seedjoin.Message{}}, ErrUnknownBody},
		{"no UTF-8", &core.Packet{Join: &seedjoin.Message{Body: seedjoin.Probe{Asked: "\xff"}}}, ErrMalformed},
		{"long string", &core.Packet{Join: &seedjoin.Message{Body: seedjoin.Probe{Asked: long}}}, ErrTooLarge},
		{"long address", &core.Packet{To: member.Node{Address: long[:513]}, Join: &seedjoin.Message{Body: seedjoin.Probe{}}}, ErrTooLarge},
		{"many settings", &core.Packet{Join: &seedjoin.Message{Body: seedjoin.Join{Settings: make([]seedjoin.Setting, maxRepeated+1)}}}, ErrTooLarge},
		{"many buckets", &core.Packet{Engine: &engine.Message{Body: &engine.Request{Buckets: make([]uint32, maxRepeated+1)}}}, ErrTooLarge},
		{"many hashes", &core.Packet{Engine: &engine.Message{Body: &engine.Request{Have: make([]uint64, 2*maxMembers+1)}}}, ErrTooLarge},
		{"many accused", &core.Packet{Engine: &engine.Message{Body: &engine.Delta{Rows: []*reach.Row{row}}}}, ErrTooLarge},
		{"many bytes", &core.Packet{Engine: &engine.Message{Body: big}}, ErrTooLarge},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Append([]byte("x"), tc.p)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if string(got) != "x" {
				t.Errorf("got %d bytes, want dst as it was", len(got))
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	field := func(num protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), value)
	}
	varint := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	cases := []struct {
		name    string
		payload []byte
		want    error
	}{
		{"nothing", nil, ErrUnknownBody},
		{"garbage", []byte{0xff, 0xff, 0xff}, ErrMalformed},
		{"cut short", []byte{0x52, 0x7f, 0x00}, ErrMalformed},
		{"a body of later times", field(99, nil), ErrUnknownBody},
		{"welcome without a view", field(14, field(3, nil)), ErrMalformed},
		{"welcome without a record", field(14, field(1, nil)), ErrMalformed},
		{"commit without a view", field(20, nil), ErrMalformed},
		{"write wave without a change", field(17, nil), ErrMalformed},
		{"change without a head", field(17, field(2, nil)), ErrMalformed},
		{"short cluster ID", slices.Concat(field(2, field(1, []byte{1})), field(10, nil)), ErrMalformed},
		{"enumeration beyond a byte", field(41, varint(3, 256)), ErrMalformed},
		{"many empty messages", field(13, bytes.Repeat(field(4, nil), maxMembers+1)), ErrTooLarge},
		{"many empty messages, deeper", field(13, bytes.Repeat(field(5, bytes.Repeat(field(3, nil), 100)), maxMessages/100)), ErrTooLarge},
		{"many packed", field(12, field(1, make([]byte, maxRepeated+1))), ErrTooLarge},
		{"too long", make([]byte, MaxPayload+1), ErrTooLarge},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Decode(member.Node{Address: "a", UID: 1}, tc.payload)
			if !errors.Is(err, tc.want) || p != nil {
				t.Errorf("got %v, %v, want %v", p, err, tc.want)
			}
		})
	}
}

func TestFieldsFitTheScan(t *testing.T) {
	messages := wirepb.File_pando_clusterd_control_proto.Messages()
	for i := range messages.Len() {
		if md := messages.Get(i); md.Fields().Len() > maxFields {
			t.Errorf("%s has %d fields, scan counts %d", md.FullName(), md.Fields().Len(), maxFields)
		}
	}
}

func TestLargeClusterFits(t *testing.T) {
	const n = 10_000
	v := &member.View{Number: 7}
	for i := range n {
		v.Members = append(v.Members, member.Entry{
			Node:   member.Node{Address: fmt.Sprintf("node-%05d.cluster.local:7001", i), UID: 1<<62 + uint64(i)},
			Status: member.Up, UpNumber: uint64(i),
			Info: member.Info{Roles: []string{"chat", "front"}, Zone: "zone-a", Version: "1.2.3", Kinds: []string{"room"}, Meta: []member.Pair{{Key: "http", Value: "10.0.0.1:8080"}}},
		})
	}
	for name, tc := range map[string]struct {
		body engine.Body
		most int
	}{
		"a whole view":     {&engine.Commit{View: v}, MaxPayload},
		"a difference":     {&engine.WriteWave{Change: change(v)}, 1 << 10},
		"the largest leg":  {&engine.Commit{Change: change(v), Leg: engine.Leg{Ticket: 1, Share: nodesOf(v, 600)}}, frame},
		"all that is lost": {&engine.Ack{Tally: engine.Tally{Missing: nodesOf(v, 600)}}, frame},
	} {
		payload, err := Append(nil, &core.Packet{Engine: &engine.Message{Body: tc.body}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(payload) > tc.most {
			t.Errorf("%s: got %d bytes, want at most %d", name, len(payload), tc.most)
		}
		if _, err := Decode(member.Node{}, payload); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// frame is what waves and gossip stay below at any size of the cluster.
const frame = gossip.MaxFacts

// change is the difference that one member who leaves makes.
func change(v *member.View) *member.Patch {
	next := *v
	next.Number++
	next.Members = slices.Clone(v.Members)
	next.Members[7].Status = member.Leaving
	return member.Diff(v, &next)
}

func nodesOf(v *member.View, n int) (nodes []member.Node) {
	for i := range n {
		nodes = append(nodes, v.Members[i].Node)
	}
	return nodes
}

// FuzzDecode holds that Decode takes anything, and that what it returns comes
// back from its own encoding.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	fill := filler{rand.New(rand.NewPCG(5, 6))}
	for range 3 {
		for _, p := range fill.packets() {
			payload, err := Append(nil, p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(payload)
			f.Add(payload[:len(payload)/2])
		}
	}
	from := member.Node{Address: "127.0.0.1:7001", UID: 1}
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := Decode(from, payload)
		if err != nil {
			return
		}
		first, err := Append(nil, p)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		again, err := Decode(from, first)
		if err != nil {
			t.Fatalf("encoded, but does not decode: %v", err)
		}
		if diff := cmp.Diff(p, again, onWire); diff != "" {
			t.Fatalf("first (-) and second (+) decoding differ:\n%s", diff)
		}
		second, err := Append(nil, again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("got %x, %v, want %x", second, err, first)
		}
	})
}

func BenchmarkHeartbeat(b *testing.B) {
	m := &engine.Message{
		From:     member.Node{Address: "10.0.0.1:7001", UID: 1 << 60},
		To:       member.Node{Address: "10.0.0.2:7001", UID: 1 << 61},
		Identity: member.Identity{Cluster: member.ClusterID{1}},
		Body:     &engine.Heartbeat{Stamp: 1 << 40, Echo: 1 << 41, View: 7, Decided: 7, Active: 7, Counter: 1 << 20},
	}
	p := &core.Packet{From: m.From, To: m.To, Engine: m}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = Append(buf[:0], p); err != nil {
			b.Fatal(err)
		}
		if _, err := Decode(m.From, buf); err != nil {
			b.Fatal(err)
		}
	}
}
