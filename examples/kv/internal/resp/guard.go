package resp

import (
	"errors"
	"net"
)

// Limits of what a client may send.
const (
	MaxWords   = 1 << 16  // words of one command
	MaxBulk    = 64 << 20 // bytes of one word
	MaxCommand = 80 << 20 // bytes of one command, which the parser holds in memory
	MaxInline  = 64 << 10 // bytes of a command that was typed as a line
)

// Why a connection was closed. The client is told.
var (
	ErrWords   = errors.New("invalid multibulk length")
	ErrBulk    = errors.New("invalid bulk length")
	ErrCommand = errors.New("command is too large")
	ErrInline  = errors.New("too big inline request")
)

// Guard is a connection whose Read fails once the client goes beyond the limits.
// It follows the frames of the protocol byte by byte but for the words
// themselves, which it skips, so that the parser behind it never waits for
// gigabytes nor counts to billions.
type Guard struct {
	net.Conn
	scan scanner
}

// NewGuard stands before a connection that has not been read from.
func NewGuard(c net.Conn) *Guard { return &Guard{Conn: c} }

// Read reads, and tells the client why before it fails.
func (g *Guard) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if bad := g.scan.feed(b[:n]); bad != nil {
		_, _ = g.Conn.Write([]byte("-ERR Protocol error: " + bad.Error() + "\r\n")) // it may be gone
		return 0, bad
	}
	return n, err
}

// place is where in a command the scanner is.
type place uint8

const (
	atStart place = iota // before a command
	inLine               // in one that was typed as a line
	inCount              // in the number of words
	atWord               // before the '$' of a word
	inSize               // in its length
	inWord               // in the word or the end of line behind it
)

// scanner follows one stream of commands.
type scanner struct {
	at    place
	num   int // the number that is being read, or the bytes left of a word
	words int // left of the command
	size  int // bytes of the command so far
}

func (s *scanner) feed(b []byte) error {
	for len(b) > 0 {
		if s.at == inWord {
			n := min(s.num, len(b))
			s.num -= n
			s.size += n
			b = b[n:]
			if s.num == 0 {
				s.wordDone()
			}
			continue
		}
		if err := s.step(b[0]); err != nil {
			return err
		}
		b = b[1:]
	}
	return nil
}

func (s *scanner) wordDone() {
	s.words--
	s.at = atWord
	if s.words == 0 {
		s.at, s.size = atStart, 0
	}
}

func (s *scanner) step(c byte) error {
	s.size++
	switch s.at {
	case atStart:
		s.num, s.at = 0, inLine
		if c == '*' {
			s.at = inCount
		}
		return s.line(c)
	case inLine:
		return s.line(c)
	case inCount:
		return s.count(c)
	case atWord:
		s.num, s.at = 0, inSize
		if c != '$' {
			s.at, s.size = inLine, 1 // the parser refuses it
		}
	case inSize:
		return s.length(c)
	}
	return nil
}

func (s *scanner) line(c byte) error {
	if s.at == inLine && c == '\n' {
		s.at, s.size = atStart, 0
	}
	if s.size > MaxInline {
		return ErrInline
	}
	return nil
}

func (s *scanner) count(c byte) error {
	done, ok := s.digit(c, MaxWords)
	if !ok {
		return ErrWords
	}
	if done {
		s.words, s.at = s.num, atWord
		if s.num == 0 {
			s.at, s.size = atStart, 0
		}
	}
	return nil
}

func (s *scanner) length(c byte) error {
	done, ok := s.digit(c, MaxBulk)
	if !ok {
		return ErrBulk
	}
	if done {
		if s.size+s.num > MaxCommand {
			return ErrCommand
		}
		s.num, s.at = s.num+2, inWord
	}
	return nil
}

// digit takes one more character of a number; done at the end of its line.
func (s *scanner) digit(c byte, limit int) (done, ok bool) {
	switch {
	case c == '\n':
		return true, true
	case c == '\r':
		return false, true
	case c < '0' || c > '9':
		return false, false
	}
	s.num = s.num*10 + int(c-'0')
	return false, s.num <= limit
}
