package spinemask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/export"
)

// A result is the command's line about an image, less what that says of the file.
func TestResultsAreTheCommandsJSON(t *testing.T) {
	r, err := tinyModel(t, spinemask.Options{}).Segment(context.Background(), waves(0, 100, 80))
	require.NoError(t, err)
	require.NotEmpty(t, r.Instances)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // json.Marshal writes < in another way, which means the same
	require.NoError(t, e.Encode(r))
	data := bytes.TrimSpace(b.Bytes())

	line := export.NewPicture(export.Image{ID: 7, FileName: "a.png", Width: 100, Height: 80}, r, nil).AppendJSON(nil)
	require.True(t, `{"id":7,"file_name":"a.png",`+string(data[1:]) == string(line))

	for _, text := range [][]byte{data, line} {
		var back spinemask.Result
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, []int{100, 80, len(r.Instances)}, []int{back.Width, back.Height, len(back.Instances)})
		for i, in := range r.Instances {
			require.InDelta(t, in.Box.X2, back.Instances[i].Box.X2, 2e-3)
			in.Box = back.Instances[i].Box
			require.Equal(t, in, back.Instances[i])
		}
	}
	none, err := json.Marshal(spinemask.Result{Width: 3, Height: 2})
	require.NoError(t, err)
	require.Equal(t, `{"width":3,"height":2,"instances":[]}`, string(none))
	var back spinemask.Result
	require.NoError(t, json.Unmarshal([]byte(`{"id":7,"file_name":"a.png","width":3,"height":2,"instances":[]}`), &back))
	require.Equal(t, "a.png", back.Name)
	require.EqualError(t, json.Unmarshal([]byte(`{"id":7,"file_name":"b.png","error":"truncated"}`), &back), "spinemask: b.png: truncated")
	require.Equal(t, "a.png", back.Name, "what was read before stays")
	require.ErrorContains(t, json.Unmarshal([]byte(`{"width":3,"height":2,"instances":[{"segmentation":{"size":[3,2],"counts":"6"}}]}`), &back), "mask of 2x3 pixels, want 3x2")
}
