package coco

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spinemask/spinemask/rle"
)

const smallDataset = `{"info":{"year":"2026","x":[{"a":[1,2]}]},"images":[{"id":3,"height":4,"width":5,"file_name":"a\"\u00e4.jpg"},{"id":1.0,"width":7,"height":6}],
 "annotations":[{"id":10,"image_id":3,"category_id":2,"bbox":[1,2.5,3,4e0],"area":12,"iscrowd":0,"segmentation":[[1,1,2,1,2,2],[3,3,4,3,4,4]]},
 {"image_id":1,"category_id":2.0,"id":11,"iscrowd":1,"segmentation":{"counts":[10,5,27],"size":[6,7]},"bbox":[0,0,1,1],"area":5.25,"score":9},
 {"segmentation":{"size":[6,7],"counts":"\u0030"},"image_id":1,"category_id":2,"id":12,"ignore":true,"keypoints":[1,2,2],"num_keypoints":1}],
 "categories":[{"id":2,"name":"cat","keypoints":["nose"]},{"id":1,"name":"dog","supercategory":"animal"}]}`

const smallResults = `[{"image_id":3,"category_id":2,"bbox":[1,2,3,4],"score":0.5},
 {"score":1e-3,"bbox":[0,0,1,1],"category_id":2,"image_id":1,"extra":{"deep":[[[{"x":"}]"}]]],"t":true,"f":false,"n":null}},
 {"image_id":1,"category_id":1,"segmentation":{"size":[4,5],"counts":"24\\1"},"score":0.25}]`

func TestDatasetIsRead(t *testing.T) {
	d, err := ParseDataset([]byte(smallDataset), "gt.json", 0)
	require.NoError(t, err)
	require.Equal(t, []Image{{ID: 3, Height: 4, Width: 5, FileName: `a"ä.jpg`}, {ID: 1, Height: 6, Width: 7}}, d.Images)
	require.Equal(t, []Category{{ID: 2, Name: "cat", Keypoints: []string{"nose"}}, {ID: 1, Name: "dog", Supercategory: "animal"}}, d.Categories)
	require.Equal(t, 3, d.Len())
	require.Equal(t, []int64{10, 11, 12}, d.ID)
	require.Equal(t, []int64{3, 1, 1}, d.ImageID)
	require.Equal(t, []float64{12, 5.25, 0}, d.Area)
	require.Equal(t, [4]float64{1, 2.5, 3, 4}, d.Box[0])
	require.Equal(t, [][]float64{{1, 1, 2, 1, 2, 2}, {3, 3, 4, 3, 4, 4}}, d.Polygons(0))
	require.Equal(t, []uint32{10, 5, 27}, d.AppendRuns(nil, 1))
	require.Equal(t, HasID|HasBox|HasArea|HasCrowd|IsCrowd, d.Has[1])
	require.Equal(t, HasID|Ignore|HasKeypoints|HasVisible, d.Has[2])
	require.Equal(t, []uint32{0}, d.AppendRuns(nil, 2))
	require.Equal(t, []float64{1, 2, 2}, d.Keypoints[2])
	require.EqualValues(t, strings.Index(smallDataset, `{"image_id":1`), d.Offset[1])
}

func TestResultsAreRead(t *testing.T) {
	r, err := ParseResults([]byte(smallResults), "dt.json", 0)
	require.NoError(t, err)
	require.Equal(t, []int64{3, 1, 1}, r.ImageID)
	require.Equal(t, []float64{.5, 1e-3, .25}, r.Score)
	require.Equal(t, []MaskKind{NoMask, NoMask, RunMask}, []MaskKind{r.Mask[0].Kind, r.Mask[1].Kind, r.Mask[2].Kind})
	want, err := rle.DecodeRuns(nil, []byte(`24\1`))
	require.NoError(t, err)
	require.Equal(t, want, r.AppendRuns(nil, 2))
	require.Equal(t, rle.Mask{H: 4, W: 5, Runs: want}, r.Entry(2).Mask)
}

func TestFieldsThatNobodyAskedForAreSkipped(t *testing.T) {
	d, err := ParseDataset([]byte(smallDataset), "gt.json", Boxes)
	require.NoError(t, err)
	require.Nil(t, d.Mask)
	require.Nil(t, d.Keypoints)
	r, err := ParseResults([]byte(smallResults), "dt.json", Boxes)
	require.NoError(t, err)
	require.Equal(t, RunMask, r.Mask[2].Kind, "the only result without a box")
}

func TestWhiteSpaceMayStandAnywhere(t *testing.T) {
	want, err := ParseDataset([]byte(smallDataset), "", AllFields)
	require.NoError(t, err)
	wantResults, err := ParseResults([]byte(smallResults), "", AllFields)
	require.NoError(t, err)
	for _, space := range []string{"\n", "\r\n   ", "\t ", "  "} {
		spaced := strings.NewReplacer(",", space+","+space, "[", "["+space, "]", space+"]", ":", space+":"+space, "{", "{"+space, "}", space+"}").Replace
		d, err := ParseDataset([]byte(spaced(smallDataset)), "", AllFields)
		require.NoError(t, err)
		require.Equal(t, want.Images, d.Images)
		require.Equal(t, want.Box, d.Box)
		require.Equal(t, want.Polygons(0), d.Polygons(0))
		require.Equal(t, want.AppendRuns(nil, 1), d.AppendRuns(nil, 1))
		require.Equal(t, want.Keypoints, d.Keypoints)
		r, err := ParseResults([]byte(spaced(smallResults)), "", AllFields)
		require.NoError(t, err)
		require.Equal(t, wantResults.Box, r.Box)
		require.Equal(t, wantResults.Score, r.Score)
		require.Equal(t, wantResults.AppendRuns(nil, 2), r.AppendRuns(nil, 2))
	}
}

// Polygons of many points, which are read by a shorter way, written over several lines.
func TestPolygonsOverSeveralLines(t *testing.T) {
	for _, sep := range []string{",", ", ", ",\n    ", ",\r\n\t", " , "} {
		text := `{"images":[{"id":1}],"categories":[{"id":1}],"annotations":[{"id":1,"image_id":1,"category_id":1,"segmentation":[[` +
			strings.Join([]string{"10.25", "20", "30.5", "40.125", "50", "60.75"}, sep) + `]]}]` + strings.Repeat(" ", 64) + `}`
		d, err := ParseDataset([]byte(text), "", AllFields)
		require.NoError(t, err, "%q", sep)
		require.Equal(t, [][]float64{{10.25, 20, 30.5, 40.125, 50, 60.75}}, d.Polygons(0))
	}
}

func TestKeypointsAreKeptWhereTheyMakeTheBox(t *testing.T) {
	text := `[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"keypoints":[7,7,7],"score":1},{"image_id":1,"category_id":1,"keypoints":[1,2,3],"score":1}]`
	r, err := ParseResults([]byte(text), "", Boxes)
	require.NoError(t, err)
	require.Equal(t, [][]float64{nil, {1, 2, 3}}, r.Keypoints)
	parts, _, perr := readList([]int{0, strings.LastIndex(text, "{")}, func() *reader {
		return &reader{scanner: scanner{b: []byte(text)}, fields: Boxes, ids: new(idNames), results: true}
	})
	require.Nil(t, perr)
	require.Len(t, parts, 2)
	a := join(parts)
	require.Equal(t, [][]float64{nil, {1, 2, 3}}, a.Keypoints)
}

func TestCategoryIDsMayBeStrings(t *testing.T) {
	text := `{"images":[{"id":1}],"annotations":[{"id":1,"image_id":1,"category_id":"b"},{"id":2,"image_id":1,"category_id":"a9"},{"id":3,"image_id":1,"category_id":"a10"}],
	 "categories":[{"id":"b","name":"x"},{"id":"a9"},{"id":"a10"}]}`
	d, err := ParseDataset([]byte(text), "f", AllFields)
	require.NoError(t, err)
	require.Equal(t, []Name{{StringName, "a10"}, {StringName, "a9"}, {StringName, "b"}}, d.CategoryNames)
	require.Equal(t, []int64{2, 1, 0}, d.CategoryID)
	require.Equal(t, []Category{{ID: 2, IDName: &Name{StringName, "b"}, Name: "x"}, {ID: 1, IDName: &Name{StringName, "a9"}}, {ID: 0, IDName: &Name{StringName, "a10"}}}, d.Categories)
	require.Equal(t, `"b"`, d.CategoryName(2))
	var b bytes.Buffer
	require.NoError(t, WriteDataset(&b, d))
	again, err := ParseDataset(b.Bytes(), "f", AllFields)
	require.NoError(t, err)
	require.Equal(t, d.Categories, again.Categories)
	require.Equal(t, d.CategoryID, again.CategoryID)

	r, err := ParseResults([]byte(`[{"image_id":1,"category_id":"z","score":1},{"image_id":1,"category_id":"y","score":1}]`), "f", AllFields)
	require.NoError(t, err)
	require.Equal(t, []Name{{StringName, "y"}, {StringName, "z"}}, r.CategoryNames)
	require.Equal(t, []int64{1, 0}, r.CategoryID)
}

func TestEveryTruncationNamesTheEndOfTheFile(t *testing.T) {
	for n := range len(smallDataset) {
		_, err := ParseDataset([]byte(smallDataset[:n]), "gt.json", AllFields)
		var e *Error
		require.True(t, errors.As(err, &e), "%d: %v", n, err)
		require.EqualValues(t, n, e.Offset, "%v", err)
		require.Equal(t, "gt.json", e.File)
	}
	for n := range len(smallResults) {
		_, err := ParseResults([]byte(smallResults[:n]), "dt.json", AllFields)
		var e *Error
		require.True(t, errors.As(err, &e), "%d: %v", n, err)
		require.EqualValues(t, n, e.Offset, "%v", err)
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ results, want string }{
		{`[{"image_id":1,"category_id":1,"bbox":[1,2,3],"score":1}]`, `coco: f: byte 38: results[0]: bbox: 3 numbers, want 4`},
		{`[{"image_id":1,"category_id":1,"bbox":[1,2,3,"4"],"score":1}]`, `coco: f: byte 45: results[0]: bbox: string, want a number`},
		{`[{"image_id":1,"category_id":1,"score":1},{"image_id":1,"category_id":1,"score":x}]`, `coco: f: byte 80: results[1]: score: unexpected 'x', want a number`},
		{`[{"image_id":1,"category_id":1e400,"score":1}]`, `coco: f: byte 29: results[0]: category_id: 1e400, want an id`},
		{`[{"image_id":true,"category_id":1,"score":1}]`, `coco: f: byte 13: results[0]: image_id: boolean, want an id`},
		{`[{"image_id":1,"category_id":1,"score":null}]`, `coco: f: byte 1: results[0]: score: missing`},
		{`[{"image_id":1,"category_id":1,"score":01}]`, `coco: f: byte 39: results[0]: score: unexpected '0', want a number`},
		{`[{"image_id":1,"category_id":1,"score":1,}]`, `coco: f: byte 41: results[0]: unexpected '}', want a string`},
		{`[{"image_id":1,"category_id":1,"score":1},]`, `coco: f: byte 42: results[1]: unexpected ']', want an object`},
		{`[{"image_id":1,"category_id":1,"score":1}] x`, `coco: f: byte 43: unexpected 'x', want the end of the file`},
		{`[{"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[2],"counts":"1"}}]`, `coco: f: byte 64: results[0]: segmentation: size: [2], want [height, width]`},
		{`[{"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[2,2],"counts":"~"}}]`, `coco: f: byte 79: results[0]: segmentation: counts: rle: offset 0: character '~' is not in the alphabet`},
		{`[{"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[2,2],"counts":[-1]}}]`, `coco: f: byte 80: results[0]: segmentation: counts: run of -1 pixels`},
		{`[{"image_id":1,"category_id":1,"score":1,"segmentation":[[1,2],3]}]`, `coco: f: byte 63: results[0]: segmentation: unexpected '3', want a list of numbers`},
		{`[{"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[65536,65536],"counts":"1"}}]`, `coco: f: byte 64: results[0]: segmentation: size: 65536×65536, want at most 4294967295 pixels`},
		{`{"x":1}`, `coco: f: byte 0: object without a list "annotations", want a list of results`},
		{`7`, `coco: f: byte 0: unexpected '7', want a list of results`},
	} {
		_, err := ParseResults([]byte(c.results), "f", AllFields)
		require.EqualError(t, err, c.want)
	}
	for _, c := range []struct{ dataset, want string }{
		{`{"images":[{"height":3}]}`, `coco: f: byte 11: images[0]: id: missing`},
		{`{"images":[],"annotations":[{"id":5,"image_id":1,"category_id":1,"area":"x"}]}`, `coco: f: byte 72: annotations[0] (id 5): area: string, want a number`},
		{`{"annotations":[]}`, `coco: f: byte 0: images: missing`},
		{`{"images":{"1":{}}}`, `coco: f: byte 10: object, want a list of images`},
		{`{"images":[],"annotations":7}`, `coco: f: byte 27: unexpected '7', want a list of annotations`},
		{`{"images":[],"categories":null}`, `coco: f: byte 26: null, want a list of categories`},
		{`[]`, `coco: f: byte 0: array, want an object`},
	} {
		_, err := ParseDataset([]byte(c.dataset), "f", AllFields)
		require.EqualError(t, err, c.want)
	}
}

// TestPartsGiveTheSameAsOne reads a list in parts that begin anywhere: between objects, inside of them, and inside of
// strings that look like the place between two.
func TestPartsGiveTheSameAsOne(t *testing.T) {
	entry := func(i string) string {
		return `{"image_id":` + i + `,"category_id":1,"note":"}, {\"image_id\":7,\"category_id\":1,\"score\":1}, {\"","list":[{"image_id":5,"category_id":5,"score":5}, {"image_id":6,"category_id":6,"score":6}],"score":` + i + `.5}`
	}
	text := []byte(`[` + entry("1") + `, ` + entry("2") + `,` + entry("3") + "\n , " + entry("4") + `]`)
	var braces []int
	for i, c := range text {
		if c == '{' {
			braces = append(braces, i)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		starts := []int{0}
		for _, p := range braces {
			if rapid.Bool().Draw(t, "start") {
				starts = append(starts, p)
			}
		}
		parts, next, err := readList(starts, func() *reader {
			return &reader{scanner: scanner{b: text}, fields: AllFields, ids: new(idNames), results: true}
		})
		require.Nil(t, err)
		require.Equal(t, len(text), next)
		a := join(parts)
		require.Equal(t, []int64{1, 2, 3, 4}, a.ImageID)
		require.Equal(t, []float64{1.5, 2.5, 3.5, 4.5}, a.Score)
	})
}

func TestGuessesAreWhereEntriesBegin(t *testing.T) {
	entry := `{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}`
	text := []byte(`[` + strings.Repeat(entry+", ", 60000) + entry + `]`)
	starts := guess(text, 0)
	require.Greater(t, len(starts), 1)
	for _, p := range starts[1:] {
		require.Zero(t, (p-1)%(len(entry)+2))
	}
	r, err := ParseResults(text, "dt", 0)
	require.NoError(t, err)
	require.Equal(t, 60001, r.Len())
}

func TestErrorsInLaterPartsCountFromTheBegin(t *testing.T) {
	entry := `{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}`
	text := `[` + strings.Repeat(entry+", ", 30000) + `{"image_id":1,"category_id":1}, ` + strings.Repeat(entry+", ", 20000) + entry + `]`
	_, err := ParseResults([]byte(text), "dt", 0)
	require.ErrorContains(t, err, "results[30000]: score: missing")
}

func TestPackedFilesAreUnpacked(t *testing.T) {
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write([]byte(smallDataset))
	require.NoError(t, w.Close())
	z, err := zstd.NewWriter(&zs)
	require.NoError(t, err)
	_, _ = z.Write([]byte(smallDataset))
	require.NoError(t, z.Close())
	want, err := ParseDataset([]byte(smallDataset), "", AllFields)
	require.NoError(t, err)
	for name, b := range map[string][]byte{"a.json": []byte(smallDataset), "a.json.gz": gz.Bytes(), "a.zst": zs.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		d, err := OpenDataset(path, AllFields)
		require.NoError(t, err)
		require.Equal(t, want.Images, d.Images)
		require.Equal(t, want.Box, d.Box)
		require.Equal(t, want.AppendRuns(nil, 1), d.AppendRuns(nil, 1))
		require.NoError(t, os.WriteFile(path, b[:len(b)-9], 0o600))
		_, err = OpenDataset(path, AllFields)
		require.Error(t, err)
		if name != "a.json" {
			require.ErrorContains(t, err, "the packed file is cut off")
		}
	}
	_, err = OpenDataset(filepath.Join(t.TempDir(), "none"), 0)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = OpenDataset(t.TempDir(), 0)
	require.ErrorContains(t, err, "is a directory")
}

func TestDepthIsNoMatter(t *testing.T) {
	deep := strings.Repeat(`[{"a":`, 100_000) + "1" + strings.Repeat("}]", 100_000)
	r, err := ParseResults([]byte(`[{"image_id":1,"category_id":1,"score":1,"x":`+deep+`}]`), "dt", 0)
	require.NoError(t, err)
	require.Equal(t, 1, r.Len())
	_, err = ParseResults([]byte(`[{"image_id":1,"category_id":1,"score":1,"x":`+deep[:len(deep)-1]+`}}]`), "dt", 0)
	require.ErrorContains(t, err, "unexpected '}'")

	// If any of these took time by the square of its length, that would be minutes.
	const n = 1_000_000
	for _, c := range []struct{ x, want string }{
		{strings.Repeat("[", n) + strings.Repeat("]", n), ""},
		{strings.Repeat(`[1,{"a":`, n) + "1" + strings.Repeat("}]", n), ""},
		{strings.Repeat("[", n) + strings.Repeat("[1],", n) + `"x"` + strings.Repeat("]", n), ""},
		{strings.Repeat("[", n), "unexpected"},
		{strings.Repeat(`[{"a":`, n), "unexpected"},
	} {
		_, err := ParseResults([]byte(`[{"image_id":1,"category_id":1,"score":1,"x":`+c.x+`}]`), "dt", 0)
		if c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}
