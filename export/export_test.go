package export

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

func TestCOCOEntries(t *testing.T) {
	// Every character that a run-length string can have, the backslash among them.
	var runs []uint32
	for i := range uint32(64) {
		runs = append(runs, i*i*137%900+1)
	}
	sum := uint32(0)
	for _, r := range runs {
		sum += r
	}
	mask := rle.Mask{H: 640, W: 1000, Runs: append(runs, 640000-sum)}
	require.NoError(t, mask.Validate())
	require.Contains(t, mask.String(), `\`)

	var b bytes.Buffer
	w := NewCOCO(&b)
	require.NoError(t, w.Add(NewPicture(Image{ID: 7, FileName: `sub/<a "b"> ä.png`}, &spinemask.Result{Instances: []spinemask.Instance{
		{Category: 3, Score: 0.1, Box: box.Box{Y1: 1.23456, X1: -0.0001, Y2: 11.23456, X2: 30.5}, Mask: mask},
		{Category: 90, Score: 1, Box: box.Box{Y1: 0, X1: 0, Y2: 64, X2: 100}, Mask: mask},
	}}, nil)))
	require.NoError(t, w.Add(&Picture{Image: Image{ID: 8}}))
	require.NoError(t, w.Add(&Picture{Image: Image{ID: 9, FileName: "c.png"}, Instances: []Instance{{Mask: mask}}}))
	require.NoError(t, w.Close())

	type entry struct {
		ImageID      int64      `json:"image_id"`
		FileName     string     `json:"file_name"`
		CategoryID   int        `json:"category_id"`
		BBox         [4]float64 `json:"bbox"`
		Score        float32    `json:"score"`
		Segmentation struct {
			Size   [2]int `json:"size"`
			Counts string `json:"counts"`
		} `json:"segmentation"`
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	var list []entry
	require.NoError(t, d.Decode(&list))
	require.Len(t, list, 3)
	require.Equal(t, int64(7), list[0].ImageID)
	require.Equal(t, `sub/<a "b"> ä.png`, list[0].FileName)
	require.Equal(t, 3, list[0].CategoryID)
	require.Equal(t, [4]float64{0, 1.235, 30.5, 10}, list[0].BBox)
	require.Equal(t, float32(0.1), list[0].Score, "scores are exact")
	require.Equal(t, [2]int{640, 1000}, list[0].Segmentation.Size)
	back, err := rle.Decode(640, 1000, []byte(list[0].Segmentation.Counts))
	require.NoError(t, err)
	require.Equal(t, mask, back)
	require.Equal(t, int64(9), list[2].ImageID)
}

func TestCOCOWithoutInstancesIsAnEmptyArray(t *testing.T) {
	var b bytes.Buffer
	w := NewCOCO(&b)
	require.NoError(t, w.Add(&Picture{Image: Image{ID: 1}}))
	require.NoError(t, w.Close())
	require.Equal(t, "[]\n", b.String())
}

func TestIDs(t *testing.T) {
	for _, c := range []struct {
		names string
		want  []int64
	}{
		{"000000000139.jpg 000000581781.jpg val/42.png", []int64{139, 581781, 42}},
		{"b.png a.png", []int64{1, 2}},
		{"5.png a.png", []int64{1, 2}},                 // never a mixture
		{"x/5.png y/5.png", []int64{1, 2}},             // not twice the same
		{"5.png 99999999999999999.png", []int64{1, 2}}, // beyond what JSON readers hold
		{"-5.png", []int64{1}},
		{"", nil},
	} {
		require.ElementsMatch(t, c.want, IDs(strings.Fields(c.names)), c.names)
	}
}

func TestRunIsACOCODataSetWithoutAnnotations(t *testing.T) {
	var b bytes.Buffer
	r := Run{Info: Info{Model: "m"}, Images: []Image{{ID: 1, FileName: "a.png", Width: 4, Height: 3}}, Failures: []Failure{{"b.png", "truncated"}}, Categories: []Category{{1, "nucleus"}}}
	require.NoError(t, r.Write(&b))
	var back map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, []any{map[string]any{"id": 1.0, "file_name": "a.png", "width": 4.0, "height": 3.0}}, back["images"])
	require.Equal(t, []any{map[string]any{"id": 1.0, "name": "nucleus"}}, back["categories"])
	require.Equal(t, []any{map[string]any{"file_name": "b.png", "error": "truncated"}}, back["failures"])
}
