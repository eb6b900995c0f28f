package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Images of a held-out cluster are in one of the two sets, with all of their annotations.
func TestOnlySomeClusters(t *testing.T) {
	all := set{
		Images:      []map[string]any{{"id": 1.0, "cluster": 0}, {"id": 2.0, "cluster": 3}, {"id": 3.0, "cluster": 0}},
		Annotations: []map[string]any{{"id": 7.0, "image_id": 3.0}, {"id": 8.0, "image_id": 2.0}, {"id": 9.0, "image_id": 2.0}},
		Categories:  []map[string]any{{"id": 1.0}},
	}
	held, kept := all.only(func(c int) bool { return c == 3 }), all.only(func(c int) bool { return c != 3 })
	require.Equal(t, set{Images: all.Images[1:2], Annotations: all.Annotations[1:], Categories: all.Categories}, held)
	require.Equal(t, set{Images: []map[string]any{all.Images[0], all.Images[2]}, Annotations: all.Annotations[:1], Categories: all.Categories}, kept)
}
