package chatpb

import "google.golang.org/protobuf/proto"

// Command is a message to a room.
type Command interface {
	proto.Message
	command()
}

func (*Join) command()    {}
func (*History) command() {}
func (*Say) command()     {}
func (*Leave) command()   {}
func (*Tick) command()    {}

// Notice is a message to a session: from its room, its connection or itself.
type Notice interface {
	proto.Message
	notice()
}

func (*Line) notice()       {}
func (*Joined) notice()     {}
func (*Presence) notice()   {}
func (*Post) notice()       {}
func (*Beat) notice()       {}
func (*Retry) notice()      {}
func (*Unanswered) notice() {}
func (*Answered) notice()   {}

// LobbyCommand is a message to the lobby.
type LobbyCommand interface {
	proto.Message
	lobbyCommand()
}

func (*Announce) lobbyCommand()  {}
func (*ListRooms) lobbyCommand() {}
