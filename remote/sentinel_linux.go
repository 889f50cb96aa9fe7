package remote

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// sentinel waits for something to read on a socket, while it is told to, without
// being in a read: an epoll instance with that one socket in it, for which Go's own
// poller waits in turn. All but kick is for whoever has the role of the reader, and
// wait for the reader itself.
type sentinel struct {
	socket   *socket
	file     *os.File
	epoll    syscall.RawConn
	fd       int // of the epoll instance
	until    time.Time
	kicked   atomic.Bool
	event    syscall.EpollEvent
	events   [1]syscall.EpollEvent
	err      error
	control  func(fd uintptr)
	happened func(fd uintptr) bool
}

// newSentinel returns nil if there can be none.
func newSentinel(c *socket) *sentinel {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	s := &sentinel{socket: c, fd: fd}
	s.control = func(fd uintptr) {
		s.err = syscall.EpollCtl(s.fd, syscall.EPOLL_CTL_MOD, int(fd), &s.event)
	}
	s.happened = func(fd uintptr) bool {
		n, _ := syscall.EpollWait(int(fd), s.events[:], 0)
		return n > 0
	}
	if !s.open() {
		return nil
	}
	c.sentinel.Store(s)
	return s
}

func (s *sentinel) open() bool {
	_ = syscall.SetNonblock(s.fd, true) // has the file use Go's poller
	s.file = os.NewFile(uintptr(s.fd), "epoll")
	var err error
	if s.epoll, err = s.file.SyscallConn(); err == nil {
		err = s.socket.raw.Control(func(fd uintptr) {
			s.err = syscall.EpollCtl(s.fd, syscall.EPOLL_CTL_ADD, int(fd), &s.event)
		})
	}
	if err == nil {
		err = s.err
	}
	if err == nil {
		err = s.file.SetReadDeadline(time.Time{}) // fails if that did not work
	}
	if err != nil {
		s.file.Close()
	}
	return err == nil
}

// arm has the sentinel tell of what there is to read, now or later, once.
func (s *sentinel) arm() error { return s.look(syscall.EPOLLIN | syscall.EPOLLONESHOT) }

// disarm has it look away.
func (s *sentinel) disarm() error { return s.look(syscall.EPOLLONESHOT) }

func (s *sentinel) look(events uint32) error {
	s.event.Events = events
	if err := s.socket.raw.Control(s.control); err != nil {
		return err
	}
	return s.err
}

// wait returns when there is something to read, or after a kick, or with
// os.ErrDeadlineExceeded at the given time; 0 is never.
func (s *sentinel) wait(until time.Time) error {
	if !s.until.Equal(until) {
		s.until = until
		if err := s.file.SetReadDeadline(until); err != nil {
			return err
		}
	}
	if s.kicked.Load() {
		return nil
	}
	err := s.epoll.Read(s.happened)
	if s.kicked.Load() {
		return nil
	}
	return err
}

// kick ends wait, from now on. Any goroutine may call it.
func (s *sentinel) kick() {
	s.kicked.Store(true)
	_ = s.file.SetReadDeadline(time.Unix(1, 0)) // fails if the sentinel is closed: nobody waits
}

func (s *sentinel) close() { s.file.Close() }
