package tfbundle

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFullNames(t *testing.T) {
	attribute := func(full, key string) string { return message(2, message(1, "VARIABLE_VALUE", 2, full, 3, key)) }
	graph := message(
		1, message(1, message(1, 1, 2, "backbone")), // a node with a child only
		1, attribute("conv2d/kernel", "backbone/kernel"),
		1, attribute("", "save_counter"),
	)
	names, err := FullNames([]byte(graph))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"backbone/kernel": "conv2d/kernel"}, names)
	_, err = FullNames([]byte(graph[:len(graph)-1]))
	require.ErrorIs(t, err, ErrProto)
}
