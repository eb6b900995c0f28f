package tfbundle

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// FullNames reads the object graph of an object-based checkpoint and returns the full name of the variable behind each
// key (core/protobuf/trackable_object_graph.proto). How the objects hang together does not matter: every variable is
// saved under one key.
func FullNames(graph []byte) (map[string]string, error) {
	names := map[string]string{}
	err := messages(graph, 1, func(node []byte) error {
		return messages(node, 2, func(attribute []byte) error { // SerializedTensor
			var full, key string
			err := fields(attribute, func(number protowire.Number, _ uint64, bytes []byte) error {
				switch number {
				case 2:
					full = string(bytes)
				case 3:
					key = string(bytes)
				}
				return nil
			})
			if full != "" {
				names[key] = full
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("tfbundle: object graph: %w", err)
	}
	return names, nil
}

// messages calls visit for each message in the field with the number.
func messages(b []byte, number protowire.Number, visit func([]byte) error) error {
	return fields(b, func(n protowire.Number, _ uint64, bytes []byte) error {
		if n != number {
			return nil
		}
		return visit(bytes)
	})
}
