package wire

import (
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/internal/wire/wirepb"
)

// putNote returns nil for a note that says nothing, as most do.
func putNote(n *gossip.Note) *wirepb.Note {
	if n.Digest == 0 && !n.Answer && n.Peers == 0 && n.Report == 0 && n.Ticket == 0 && n.Rumour == (gossip.Rumour{}) &&
		len(n.Seen)+len(n.Share)+len(n.Missing) == 0 {
		return nil
	}
	pb := &wirepb.Note{
		Digest:  n.Digest,
		Answer:  n.Answer,
		Peers:   n.Peers,
		Seen:    n.Seen,
		Share:   putAll(n.Share, putListed),
		Report:  uint32(n.Report),
		Ticket:  n.Ticket,
		Missing: putAll(n.Missing, putListed),
	}
	if n.Rumour != (gossip.Rumour{}) {
		pb.Rumour = &wirepb.Rumour{Origin: putNode(n.Rumour.Origin), Number: n.Rumour.Number}
	}
	return pb
}

func (g *getter) note(n *wirepb.Note) gossip.Note {
	return gossip.Note{
		Digest:  n.GetDigest(),
		Answer:  n.GetAnswer(),
		Peers:   n.GetPeers(),
		Seen:    n.GetSeen(),
		Rumour:  gossip.Rumour{Origin: g.node(n.GetRumour().GetOrigin()), Number: n.GetRumour().GetNumber()},
		Ticket:  n.GetTicket(),
		Share:   getAll(n.GetShare(), g.node),
		Report:  getEnum[gossip.Report](g, n.GetReport()),
		Missing: getAll(n.GetMissing(), g.node),
	}
}
