package actor

import (
	"fmt"
	"reflect"

	pa "github.com/asynkron/protoactor-go/actor"
)

// inner names the fields of pa.Props in which protoactor keeps what its options
// set and only its own context can use, with the option of ours that does the same.
var inner = map[string]string{
	"receiverMiddleware":  "WithReceiverMiddleware",
	"senderMiddleware":    "WithSenderMiddleware",
	"spawnMiddleware":     "WithSpawnMiddleware",
	"contextDecorator":    "WithContextDecorator",
	"onInit":              "WithOnInit",
	"supervisionStrategy": "WithStrategy",
	"mailboxProducer":     "WithMailbox",
}

// refuseForeign tells options that would be lost: better an error at the spawn
// than middleware that is never called.
func refuseForeign(props *pa.Props) error {
	v := reflect.ValueOf(props).Elem()
	for i := range v.NumField() {
		option, ok := inner[v.Type().Field(i).Name]
		if ok && isSet(v.Field(i)) {
			return fmt.Errorf("actor: protoactor's options cannot be read by others: use actor.%s", option)
		}
	}
	return nil
}

func isSet(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() > 0
	}
	return !v.IsNil()
}
