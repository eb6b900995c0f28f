package coco

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spinemask/spinemask/rle"
)

// genEntry draws a result.
func genEntry(t *rapid.T) Entry {
	number := rapid.OneOf(rapid.Float64Range(-1e3, 1e3), rapid.Float64Range(-1e308, 1e308), rapid.Float64Range(0, 1e-300), rapid.Map(rapid.Float32Range(0, 640), func(f float32) float64 { return float64(f) }))
	e := Entry{
		ImageID: rapid.Int64().Draw(t, "image"), CategoryID: rapid.Int64().Draw(t, "category"), Score: number.Draw(t, "score"), Has: HasScore,
	}
	if rapid.Bool().Draw(t, "box") {
		e.Has |= HasBox
		for i := range e.Box {
			e.Box[i] = number.Draw(t, "box")
		}
	}
	switch rapid.IntRange(0, 2).Draw(t, "mask") {
	case 1:
		h, w := rapid.IntRange(0, 9).Draw(t, "h"), rapid.IntRange(0, 9).Draw(t, "w")
		e.Mask = rle.FromBitmap(h, w, rapid.SliceOfN(rapid.ByteRange(0, 1), h*w, h*w).Draw(t, "pixels"))
	case 2:
		e.Polygons = rapid.SliceOfN(rapid.SliceOf(number), 1, 3).Draw(t, "polygons")
	}
	if rapid.Bool().Draw(t, "keypoints") {
		e.Has |= HasKeypoints
		e.Keypoints = rapid.SliceOf(number).Draw(t, "keypoints")
	}
	return e
}

func TestResultsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(genEntry), 0, 6).Draw(t, "entries")
		var b bytes.Buffer
		w := NewResultsWriter(&b)
		for i := range entries {
			require.NoError(t, w.Write(&entries[i]))
		}
		require.NoError(t, w.Close())
		require.True(t, json.Valid(b.Bytes()), b.String())
		r, err := ParseResults(b.Bytes(), "", AllFields)
		require.NoError(t, err)
		require.Equal(t, len(entries), r.Len())
		for i, want := range entries {
			got := r.Entry(i)
			if len(got.Keypoints) == 0 {
				got.Keypoints = want.Keypoints
			}
			for j := range got.Polygons {
				if len(got.Polygons[j]) == 0 {
					got.Polygons[j] = want.Polygons[j]
				}
			}
			require.Equal(t, want, got)
		}
	})
}

func TestDatasetIsReadAsWritten(t *testing.T) {
	d, err := ParseDataset([]byte(smallDataset), "", AllFields)
	require.NoError(t, err)
	d.Images[0].Negative, d.Images[0].NotExhaustive = []int64{1, 2}, []int64{}
	d.Categories[0].Frequency = "r"
	var b bytes.Buffer
	require.NoError(t, WriteDataset(&b, d))
	require.True(t, json.Valid(b.Bytes()), b.String())
	got, err := ParseDataset(b.Bytes(), "", AllFields)
	require.NoError(t, err)
	require.Equal(t, d.Images, got.Images)
	require.Equal(t, d.Categories, got.Categories)
	for i := range d.Len() {
		require.Equal(t, d.Entry(i), got.Entry(i))
	}
}

func TestImageIDsThatAreStringsStayStrings(t *testing.T) {
	d, err := ParseDataset([]byte(`{"images":[{"id":"b\\"},{"id":"a"}],"categories":[],"annotations":[{"id":1,"image_id":"a","category_id":1}]}`), "", AllFields)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, WriteDataset(&b, d))
	got, err := ParseDataset(b.Bytes(), "", AllFields)
	require.NoError(t, err)
	require.Equal(t, []Name{{StringName, "a"}, {StringName, `b\`}}, got.ImageNames)
	require.Equal(t, d.ImageID, got.ImageID)
}

func TestNumbersThatJSONDoesNotHaveAreNotWritten(t *testing.T) {
	for _, e := range []Entry{{Score: math.NaN()}, {Box: [4]float64{1, math.Inf(1)}, Has: HasBox}, {Polygons: [][]float64{{math.Inf(-1)}}}} {
		require.Error(t, NewResultsWriter(&bytes.Buffer{}).Write(&e))
	}
}

func TestAppendedEntriesAreLikeThoseOfAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(genEntry), 1, 6).Draw(t, "entries")
		var a Annotations
		for i := range entries {
			a.Append(&entries[i])
		}
		for i, want := range entries {
			require.Equal(t, want, a.Entry(i))
		}
	})
}

// A program that fills in the fields of an entry does not have to know of Has.
func TestFieldsThatAreSetAreWritten(t *testing.T) {
	var b bytes.Buffer
	w := NewResultsWriter(&b)
	require.NoError(t, w.Write(&Entry{ImageID: 7, CategoryID: 1, Score: 0.5, Box: [4]float64{1, 2, 3, 4}}))
	require.NoError(t, w.Write(&Entry{ImageID: 8, CategoryID: 1, Score: 0.25, Keypoints: []float64{1, 2, 1}}))
	require.NoError(t, w.Write(&Entry{ImageID: 9, CategoryID: 1, Has: HasBox}))
	require.NoError(t, w.Close())
	require.JSONEq(t, `[{"image_id":7,"category_id":1,"bbox":[1,2,3,4],"score":0.5},
		{"image_id":8,"category_id":1,"score":0.25,"keypoints":[1,2,1]},
		{"image_id":9,"category_id":1,"bbox":[0,0,0,0],"score":0}]`, b.String())
}
