package wire

import (
	"fmt"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
	"github.com/pando-go/pando/clusterd/slots"
)

// encodeSpans wants spans in rising order that do not overlap.
func encodeSpans(list []homes.Span) *shardpb.Spans {
	out := new(shardpb.Spans)
	index := map[member.Node]uint64{}
	next := uint16(0)
	for _, s := range list {
		i, ok := index[s.Node]
		if !ok {
			i = uint64(len(out.Nodes))
			index[s.Node] = i
			out.Nodes = append(out.Nodes, &shardpb.Node{Address: s.Node.Address, Uid: s.Node.UID})
		}
		out.Runs = append(out.Runs, uint64(s.First-next), uint64(s.Last-s.First), i, uint64(s.Epoch))
		next = s.Last + 1
	}
	return out
}

// decodeSpans returns no more spans than there are slots, in rising order, that
// do not overlap.
func decodeSpans(p *shardpb.Spans) ([]homes.Span, error) {
	bad := fmt.Errorf("%w: bad spans", ErrPacket)
	runs := p.GetRuns()
	if len(runs)%4 != 0 || len(runs)/4 > slots.Count || len(p.GetNodes()) > len(runs)/4 {
		return nil, bad
	}
	if len(runs) == 0 {
		return nil, nil
	}
	nodes := make([]member.Node, len(p.GetNodes()))
	for i, n := range p.GetNodes() {
		nodes[i] = member.Node{Address: n.GetAddress(), UID: n.GetUid()}
		if nodes[i].Validate() != nil {
			return nil, bad
		}
	}
	list := make([]homes.Span, 0, len(runs)/4)
	for next := uint64(0); len(runs) > 0; runs = runs[4:] {
		skip, more, node := runs[0], runs[1], runs[2]
		if skip >= slots.Count || more >= slots.Count || next+skip+more >= slots.Count || node >= uint64(len(nodes)) {
			return nil, bad
		}
		list = append(list, homes.Span{
			First: uint16(next + skip), Last: uint16(next + skip + more), Node: nodes[node], Epoch: homes.Epoch(runs[3]),
		})
		next += skip + more + 1
	}
	return list, nil
}

// decodeLearn checks the kind as well.
func decodeLearn(p *shardpb.Learn) (homes.Learn, error) {
	if !validKind(p.GetKind()) {
		return homes.Learn{}, fmt.Errorf("%w: bad kind", ErrPacket)
	}
	now, err := decodeSpans(p.GetNow())
	return homes.Learn{Kind: p.GetKind(), Now: now}, err
}

func encodeLearn(l homes.Learn) *shardpb.Learn {
	return &shardpb.Learn{Kind: l.Kind, Now: encodeSpans(l.Now)}
}

func decodePlan(p *shardpb.Plan) (homes.Body, error) {
	now, err := decodeLearn(&shardpb.Learn{Kind: p.GetKind(), Now: p.GetNow()})
	if err != nil {
		return nil, err
	}
	target, err := decodeSpans(p.GetTarget())
	return homes.Plan{Kind: now.Kind, Number: p.GetNumber(), Now: now.Now, Target: target}, err
}

func decodePlanned(p *shardpb.Planned) (homes.Body, error) {
	now, err := decodeLearn(&shardpb.Learn{Kind: p.GetKind(), Now: p.GetNow()})
	return homes.Planned{Kind: now.Kind, Number: p.GetNumber(), Left: p.GetLeft(), Now: now.Now}, err
}

func encodeLeave(l homes.Leave) *shardpb.Leave {
	out := new(shardpb.Leave)
	for _, k := range l.Kinds {
		out.Kinds = append(out.Kinds, encodeLearn(k))
	}
	return out
}

func decodeLeave(p *shardpb.Leave) (homes.Body, error) {
	if n := len(p.GetKinds()); n > maxKinds {
		return nil, fmt.Errorf("%w: %d kinds", ErrPacket, n)
	}
	var out homes.Leave
	for _, k := range p.GetKinds() {
		l, err := decodeLearn(k)
		if err != nil {
			return nil, err
		}
		out.Kinds = append(out.Kinds, l)
	}
	return out, nil
}

func encodeReport(r homes.Report) *shardpb.Report {
	out := &shardpb.Report{Kind: r.Kind, Total: r.Total}
	for _, l := range r.Hot {
		out.Slots = append(out.Slots, uint32(l.Slot))
		out.Messages = append(out.Messages, l.Messages)
	}
	return out
}

func decodeReport(p *shardpb.Report) (homes.Body, error) {
	n := len(p.GetSlots())
	if !validKind(p.GetKind()) || n > homes.MaxHot || n != len(p.GetMessages()) {
		return nil, fmt.Errorf("%w: bad report", ErrPacket)
	}
	out := homes.Report{Kind: p.GetKind(), Total: p.GetTotal()}
	for i, slot := range p.GetSlots() {
		if slot >= slots.Count {
			return nil, fmt.Errorf("%w: slot %d", ErrPacket, slot)
		}
		out.Hot = append(out.Hot, homes.Load{Slot: uint16(slot), Messages: p.GetMessages()[i]})
	}
	return out, nil
}
