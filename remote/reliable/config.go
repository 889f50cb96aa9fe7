package reliable

import (
	"errors"
	"fmt"
	"time"

	"github.com/pando-go/pando/remote/reliable/internal/flow"
)

// maxText bounds the ids of producers, in bytes.
const maxText = 256

// Config of a [Producer]. The zero value is good.
type Config struct {
	// Buffer is how many messages may be unconfirmed. One more waits in Send and
	// is refused by TrySend. Default 1000.
	Buffer int
	// MaxMessage is the limit of one encoded message, in bytes. It must be below
	// that of the transport, which would never let the message pass. Default 1 MiB.
	MaxMessage int
	// Queue keeps what is unconfirmed. Nil is a [MemoryQueue] of the producer's
	// own: what is unconfirmed ends with the producer.
	Queue Queue
	// Resend is after what time without progress the oldest unconfirmed message
	// is sent again. The interval doubles up to ResendMax while a known consumer
	// confirms nothing. Defaults 1 s and 30 s.
	Resend    time.Duration
	ResendMax time.Duration
}

func (c Config) filled() (Config, error) {
	var faults []error
	fill(&faults, "Buffer", &c.Buffer, 1000)
	fill(&faults, "MaxMessage", &c.MaxMessage, 1<<20)
	fill(&faults, "Resend", &c.Resend, time.Second)
	fill(&faults, "ResendMax", &c.ResendMax, max(30*time.Second, c.Resend))
	if c.ResendMax < c.Resend {
		faults = append(faults, fmt.Errorf("ResendMax %v is below Resend %v", c.ResendMax, c.Resend))
	}
	if c.Queue == nil {
		c.Queue = NewMemoryQueue()
	}
	return c, faulty(faults)
}

func (c Config) timing() flow.Timing { return flow.Timing{Resend: c.Resend, ResendMax: c.ResendMax} }

// ConsumerConfig is the configuration of a [Consumer]. The zero value is good.
type ConsumerConfig struct {
	// Window is how many messages of one producer are received and not confirmed
	// at most: the demand. Default 128.
	Window int
	// Producers is how many are known at a time. One more is not heard until
	// another has been silent for Forget. Default 1024.
	Producers int
	// Forget is how long a silent producer is remembered, at least, with the
	// number of its last message. Default 10 minutes.
	Forget time.Duration
}

func (c ConsumerConfig) filled() (ConsumerConfig, error) {
	var faults []error
	fill(&faults, "Window", &c.Window, 128)
	fill(&faults, "Producers", &c.Producers, 1024)
	fill(&faults, "Forget", &c.Forget, 10*time.Minute)
	return c, faulty(faults)
}

func (c ConsumerConfig) limits() flow.Limits {
	return flow.Limits{Window: uint64(c.Window), Producers: c.Producers, Forget: c.Forget}
}

func faulty(faults []error) error {
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("reliable: config: %w", err)
	}
	return nil
}

func fill[T int | time.Duration](faults *[]error, name string, field *T, value T) {
	if *field < 0 {
		*faults = append(*faults, fmt.Errorf("%s is negative", name))
	}
	if *field == 0 {
		*field = value
	}
}
