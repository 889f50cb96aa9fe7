package engine

import (
	"github.com/pando-go/pando/clusterd/engine/gossip"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

// Message goes from one engine to another. It is immutable once handed over:
// several messages may share one body.
type Message struct {
	From     member.Node     // the sending incarnation
	To       member.Node     // the receiving incarnation; another one refuses it
	Identity member.Identity // the sender's cluster; foreign ones are refused
	Body     Body            // never nil
}

// Body is what a message says: one of *Heartbeat, *Digest, *Request, *Delta,
// *Aside, *Welcome, *Page, *ReadWave, *Promise, *WriteWave, *Ack, *Refusal, *Commit, *Known,
// *Lack, *Pending, *Poll, *Vouch, *Seek, *Sign, *Gone, *Ended and *Recovered.
type Body interface {
	absent() bool // a nil pointer: no message
}

// Heartbeat says that the sender lives. It is one message both ways: it echoes
// the newest stamp that the sender had of the receiver.
type Heartbeat struct {
	Stamp   int64  // the sender's own monotonic clock, opaque to the receiver
	Echo    int64  // the newest stamp had from the receiver; 0 = none
	Lease   int64  // nanoseconds that the sender's lease lasts yet; 0 = it holds none
	Reply   bool   // sent in answer to a heartbeat; never answered itself
	View    uint64 // number of the highest view that the sender acknowledged
	Decided uint64 // number of the newest view that it knows decided
	Active  uint64 // number of the newest view that it knows active
	Counter uint64 // of the engine's loop: one that stands still is taken as silence
}

// Digest sums up the sender's facts and views. Buckets are filled in the answer
// to a digest that differs.
type Digest struct {
	Facts   uint64   // digest of all records and rows
	View    uint64   // number of the newest decided view
	Active  uint64   // number of the newest active view
	Buckets []uint64 // digests of the parts of the table; empty or gossip.Buckets of them
}

// Request asks for facts that the sender lacks.
type Request struct {
	Buckets []uint32 // parts of the table that differ
	Have    []uint64 // hashes of the facts that the sender has in them
	Want    []uint64 // hashes of facts that the sender lacks
}

// Delta carries facts.
type Delta struct {
	Facts   uint64           // digest of all the sender's facts
	View    uint64           // as in Digest
	Active  uint64           // as in Digest
	Records []*member.Record // what changed
	Rows    []*reach.Row     // what changed
	Note    gossip.Note      // of the sender's strategy; zero = none
}

// Aside is what gossip says without facts: an answer or a report.
type Aside struct {
	Note gossip.Note
}

// Welcome makes the receiver a member of the sender's cluster. Facts follow in
// deltas. A view that does not fit into a message comes in pages instead, and
// the receiver asks for the facts.
type Welcome struct {
	View   *member.View   // the newest decided view
	Active uint64         // number of the newest active view
	Record *member.Record // of the receiver
}

// Leg is the part of a wave's way that its receiver takes on.
type Leg struct {
	Ticket uint64        // of the share; what comes back returns it
	Share  []member.Node // whom the receiver is to hand the wave on to
}

// Tally is what comes back of a share: who of it was not reached.
type Tally struct {
	Ticket  uint64
	Report  gossip.Report
	Missing []member.Node // in a partial or final report; never shortened
}

// ReadWave asks the voters of a decided view to promise that they acknowledge
// no lower term, and for the newest view that they acknowledged.
type ReadWave struct {
	Term member.Term // drawn by the leader
	Base uint64      // number of the decided view whose voters are asked
	Leg
}

// Promise answers a ReadWave, for the sender and everybody of its share that it
// does not name as missing.
type Promise struct {
	Term   member.Term   // the one that is promised
	Base   uint64        // as asked
	Newer  uint64        // number of the newest view that one of them knows decided, if newer than Base; else 0
	Acked  *member.Patch // the view after Base acknowledged under the highest term; nil = none
	Ballot member.Term   // under which it was acknowledged; zero without
	Tally
}

// WriteWave proposes a view, as the difference to the decided view before it.
type WriteWave struct {
	Term   member.Term   // of the proposing leader; that of the view may be older
	Change *member.Patch // from the decided view to the proposal
	Leg
}

// Ack answers a WriteWave, for the sender and everybody of its share that it
// does not name as missing: they have merged the view and answer those whom it
// removes no more.
type Ack struct {
	Term   member.Term // of the wave
	Number uint64      // of the view
	// Quiet tells that none of them has answered those whom the view removes
	// for at least T_w: no lease of theirs can rest on it (V4).
	Quiet bool
	Tally
}

// Known answers a Commit that came down a tree.
type Known struct {
	Term   member.Term // of the view
	Number uint64      // of the view
	Tally
}

// Lack asks for a decided view in full: the sender cannot make it of the
// difference that it was sent. Or it asks for the rest of one that comes in
// pages.
type Lack struct {
	Number uint64      // of the view that is lacking, or of one before it
	Term   member.Term // of the view of which a part is there; zero = none is
	First  uint32      // place of the first entry that is lacking: see Page
}

// Refusal answers a wave of a term lower than promised.
type Refusal struct {
	Term    member.Term // the one that was refused
	Highest member.Term // the one that is promised
}

// Commit tells that a view is decided: in full, or as the difference to the one
// before it.
type Commit struct {
	View   *member.View  // nil where there is a Change
	Change *member.Patch // nil where there is a View
	Active uint64        // number of the newest active view
	Leg                  // without a ticket it came straight
}

// Pending tells a voter without a lease of a view that the sender acknowledged
// and that is not known to be decided. Its leader may be gone, and whoever does
// not know the view gets no support from those who do, so it could never lead.
type Pending struct {
	Ballot member.Term   // under which the sender acknowledged the view
	Change *member.Patch // from the decided view before it, which the receiver knows
}

// Poll asks the receiver what it knows of others whom the sender cannot hear,
// so that one bad link does not keep a view from becoming active.
type Poll struct {
	View  uint64        // number of the decided view that they should know
	Nodes []member.Node // sorted
}

// Vouch answers a Poll.
type Vouch struct {
	View  uint64        // as asked
	Nodes []member.Node // those that showed the sender that they know it; sorted
}

// Seek asks the receiver to find out whether another member lives, whom the
// asker does not hear. The receiver hands it on to that member, which answers
// with a Sign.
type Seek struct {
	Subject member.Node // who is sought
	Asker   member.Node // who wants to know
	Stamp   int64       // the asker's own monotonic clock, opaque to all others
}

// Sign is a sign of life on its way from Subject, through the helper that sought
// it, to Asker.
type Sign struct {
	Subject member.Node // who lives
	Asker   member.Node // as sought
	Stamp   int64       // as sought
	Counter uint64      // of the subject's loop, as in Heartbeat
	View    uint64      // number of the highest view that the subject acknowledged
	Decided uint64      // number of the newest view that it knows decided
}

// Gone tells the receiver that it was removed.
type Gone struct {
	View  uint64       // number of the view that removed it
	Cause member.Cause // why
}

// Ended answers the news of one's own removal: the sender holds no lease any
// more and begins nothing, so nobody needs to wait for that (V4).
type Ended struct {
	View uint64 // number of the view that removed the sender; 0 = not known
}

// Recovered makes the receiver, whose cluster has lost its quorum, a member of
// the branch that an operator's [Recover] drew. The message's Identity is that
// of the new branch.
type Recovered struct {
	From member.Identity // the identity before
	View *member.View    // the first view of the branch: decided and active
}

func (b *Heartbeat) absent() bool { return b == nil }
func (b *Digest) absent() bool    { return b == nil }
func (b *Request) absent() bool   { return b == nil }
func (b *Delta) absent() bool     { return b == nil }
func (b *Aside) absent() bool     { return b == nil }
func (b *Welcome) absent() bool   { return b == nil }
func (b *ReadWave) absent() bool  { return b == nil }
func (b *Promise) absent() bool   { return b == nil }
func (b *WriteWave) absent() bool { return b == nil }
func (b *Ack) absent() bool       { return b == nil }
func (b *Known) absent() bool     { return b == nil }
func (b *Lack) absent() bool      { return b == nil }
func (b *Refusal) absent() bool   { return b == nil }
func (b *Commit) absent() bool    { return b == nil }
func (b *Poll) absent() bool      { return b == nil }
func (b *Vouch) absent() bool     { return b == nil }
func (b *Seek) absent() bool      { return b == nil }
func (b *Sign) absent() bool      { return b == nil }
func (b *Gone) absent() bool      { return b == nil }
func (b *Pending) absent() bool   { return b == nil }
func (b *Ended) absent() bool     { return b == nil }
func (b *Recovered) absent() bool { return b == nil }
