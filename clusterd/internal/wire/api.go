// Package wire maps core packets to protobuf bytes.
package wire

import (
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

func Append(dst []byte, p *core.Packet) ([]byte, error)             { panic("todo") }
func Decode(from member.Node, payload []byte) (*core.Packet, error) { panic("todo") }
