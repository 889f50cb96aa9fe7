package actortest_test

import (
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
)

// An actor that answers after an hour is tested in no time.
func Example() {
	var t *testing.T // what the test function is given
	actortest.Run(t, func(k *actortest.Kit) {
		reminder := actortest.Spawn(k, actor.Func(func(c *actor.Context[string], m string) error {
			if m == "wake me" {
				c.After(time.Hour, "ring")
			} else {
				c.Stop()
			}
			return nil
		}))
		probe := actortest.NewProbe[any](k)
		probe.Watch(reminder)
		reminder.Tell("wake me")
		probe.WantNone(59 * time.Minute)
		k.Advance(time.Minute)
		probe.WantTerminated(reminder)
	})
}
