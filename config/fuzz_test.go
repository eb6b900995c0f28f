package config

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever Parse accepts is valid, and comes out the same again.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/nuclei.json")
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"format":1,"rpn":{"nms_iou":1e999}}`))
	f.Add([]byte(`{"format":1,"categories":[{"id":1},{"id":1}],"box_head":{"fc":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		require.NoError(t, c.Validate())
		text, err := json.Marshal(c)
		require.NoError(t, err)
		back, err := Parse(text)
		require.NoError(t, err)
		require.Equal(t, c, back)
	})
}
