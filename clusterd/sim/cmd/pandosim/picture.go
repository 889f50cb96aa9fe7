package main

import (
	"io"

	"github.com/pando-go/pando/clusterd/sim"
)

func (o options) picture(out io.Writer, cfg sim.Config) error { return errFailed }
