package main

import (
	"encoding/json"
	"strconv"

	"github.com/pando-go/pando/examples/chat/chatpb"
)

// lineFrame is one line of a room, in both directions; it is the one frame
// without a type. A client fills text and, if it wants to be able to send the
// line again without doubling it, id; all else is filled by the server.
type lineFrame struct {
	Room string `json:"room"`
	User string `json:"user"`
	Text string `json:"text"`
	Seq  uint64 `json:"seq"`
	ID   string `json:"id,omitempty"` // author.number, see parseLineID
	At   int64  `json:"at,omitempty"` // milliseconds since 1970, by the clock of the room's node
}

// saidFrame tells a client that its line is in the room, as line seq.
type saidFrame struct {
	Type string `json:"type"` // "said"
	ID   string `json:"id,omitempty"`
	Seq  uint64 `json:"seq"`
}

// roomFrame tells where the room is hosted: at first and at each change.
type roomFrame struct {
	Type  string `json:"type"` // "room"
	Room  string `json:"room"`
	User  string `json:"user"`
	Node  string `json:"node"`  // the node that the client is connected to
	Home  string `json:"home"`  // the node that hosts the room; "" = none right now
	Epoch string `json:"epoch"` // the incarnation of the room, for ?after=; "" before the first answer
}

// presenceFrame tells who is in the room, after each change.
type presenceFrame struct {
	Type   string   `json:"type"` // "presence"
	Users  []string `json:"users"`
	Joined []string `json:"joined"`
	Left   []string `json:"left"`
}

// gapFrame tells that lines are missing here: the room went on from line Seq
// without what came after it (reset), or keeps no line before Seq any more (gap).
type gapFrame struct {
	Type string `json:"type"` // "reset" or "gap"
	Seq  uint64 `json:"seq"`
}

// errorFrame tells a person what is wrong, and code a program.
type errorFrame struct {
	Type string `json:"type"` // "error"
	Code string `json:"code"` // "quiet", "text", "id", "frame"
	Text string `json:"text"`
	ID   string `json:"id,omitempty"`
}

// beatFrame tells nothing but that the node lives.
type beatFrame struct {
	Type string `json:"type"` // "beat"
}

func newLineFrame(room string, l *chatpb.Line) lineFrame {
	return lineFrame{
		Room: room, User: l.GetUser(), Text: l.GetText(), Seq: l.GetSeq(),
		ID: lineID(l.GetAuthor(), l.GetNumber()), At: l.GetAt(),
	}
}

// encode never fails: frames hold strings and numbers only.
func encode(frame any) []byte {
	b, err := json.Marshal(frame)
	if err != nil {
		panic("chat: frame cannot be encoded: " + err.Error())
	}
	return b
}

// epoch is the text of a room's incarnation in frames and queries.
func epoch(incarnation uint64) string {
	if incarnation == 0 {
		return ""
	}
	return strconv.FormatUint(incarnation, 16)
}

func parseEpoch(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseUint(s, 16, 64)
}
