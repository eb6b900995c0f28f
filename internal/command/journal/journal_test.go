package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/rle"
)

func picture(id int64, name string) *export.Picture {
	return &export.Picture{
		Image:     export.Image{ID: id, FileName: name, Width: 3, Height: 2},
		Instances: []export.Instance{{Category: 1, Name: "a\n\"b\"", Score: 0.1, Box: [4]float64{0.125, 0, 2, 1}, Mask: rle.Mask{H: 2, W: 3, Runs: []uint32{1, 3, 2}}}},
		Thumbnail: []byte{0xff, 0xd8, 0},
	}
}

func records(t *testing.T, j *Journal) (names []string, list []Record) {
	require.NoError(t, j.Each(func(e Entry, r Record) error {
		names, list = append(names, e.FileName), append(list, r)
		return nil
	}))
	return names, list
}

func begin(t *testing.T) (string, *Journal) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := Create(path, Header{Info: export.Info{Model: "m"}, Save: []string{"coco"}}, []Entry{{ID: 7, FileName: "a.png", Path: "x/a.png"}, {ID: 9, FileName: "b.png", Path: "b.png"}, {ID: 3, FileName: "c.png", Path: "c.png"}})
	require.NoError(t, err)
	return path, j
}

func TestWhatIsWrittenIsReadInTheOrderOfThePlan(t *testing.T) {
	path, j := begin(t)
	source := Source{Bytes: 11, Modified: 1764422706123456789, SHA256: "5d"}
	require.NoError(t, j.Add(picture(3, "c.png"), source))
	require.NoError(t, j.Fail(7, "truncated"))
	require.NoError(t, j.Close())

	j, err := Open(path)
	require.NoError(t, err)
	defer j.Close()
	require.Equal(t, "m", j.Header().Info.Model)
	names, list := records(t, j)
	require.Equal(t, []string{"a.png", "c.png"}, names, "b.png is open")
	require.Equal(t, Record{Error: "truncated"}, list[0])
	require.Equal(t, Record{Picture: picture(3, "c.png"), Source: source}, list[1])
	done, failed, open := j.Counts()
	require.Equal(t, []int{1, 1, 1}, []int{done, failed, open})

	// The last word about an image counts.
	require.NoError(t, j.Add(picture(7, "a.png"), Source{Bytes: 5}))
	require.NoError(t, j.Extend([]Entry{{ID: 10, FileName: "d.png", Path: "d.png"}}))
	_, list = records(t, j)
	require.Equal(t, picture(7, "a.png"), list[0].Picture)
	require.ErrorContains(t, j.Extend([]Entry{{ID: 10, FileName: "e.png", Path: "e.png"}}), "two images with the id 10")
	require.ErrorContains(t, j.Extend([]Entry{{ID: 11, FileName: "a.png", Path: "a.png"}}), `two images with the name "a.png"`)
	require.ErrorContains(t, j.Fail(99, "x"), "image 99 is not in the plan")
}

// Wherever a killed process stopped within its last line, what stood before it is read, and what is written next is whole.
func TestTornLinesAreCutOff(t *testing.T) {
	path, j := begin(t)
	require.NoError(t, j.Add(picture(7, "a.png"), Source{Bytes: 1}))
	require.NoError(t, j.Close())
	before, err := os.Stat(path)
	require.NoError(t, err)
	j, err = Open(path)
	require.NoError(t, err)
	require.NoError(t, j.Add(picture(9, "b.png"), Source{Bytes: 2}))
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := int(before.Size()); n < len(whole); n++ {
		require.NoError(t, os.WriteFile(path, whole[:n], 0o666))
		j, err := Open(path)
		require.NoError(t, err)
		_, done := j.Done(9)
		require.False(t, done)
		require.NoError(t, j.Add(picture(9, "b.png"), Source{Bytes: 2}))
		require.NoError(t, j.Close())
		again, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(whole), string(again), "cut at %d", n)
	}

	// Blocks of a last line that never reached the disk are zeros.
	zeros := append([]byte(nil), whole...)
	clear(zeros[before.Size()+20 : len(zeros)-1])
	require.NoError(t, os.WriteFile(path, zeros, 0o666))
	j, err = Open(path)
	require.NoError(t, err)
	done, _, _ := j.Counts()
	require.Equal(t, 1, done)
	require.NoError(t, j.Close())
}

func TestDamageIsNamed(t *testing.T) {
	path, j := begin(t)
	require.NoError(t, j.Add(picture(7, "a.png"), Source{Bytes: 1}))
	require.NoError(t, j.Close())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data[0] = 0 // of the first of several lines
	for name, text := range map[string][]byte{"": {}, "line 1: ": data, "line 1: not a journal": []byte("{}\n{}\n"), "line 1: journal of format 2, want 1": []byte(`{"run":{"format":2}}` + "\n\n")} {
		require.NoError(t, os.WriteFile(path, text, 0o666))
		_, err := Open(path)
		require.ErrorContains(t, err, path+": "+name)
	}
}

func TestOneRunAtATime(t *testing.T) {
	path, j := begin(t)
	_, err := Open(path)
	require.EqualError(t, err, path+": another run is writing here")
	_, err = Create(path, Header{}, nil)
	require.EqualError(t, err, path+": another run is writing here")
	require.NoError(t, j.Close())
	j, err = Open(path)
	require.NoError(t, err)
	require.NoError(t, j.Close())
}

// A disk that is full takes nothing of a line, so that the next one does not follow half of it.
func TestFailedWritesLeaveNoHalfLine(t *testing.T) {
	path, j := begin(t)
	size := j.size
	require.NoError(t, j.f.Close())
	f, err := os.Open(path) // for reading only
	require.NoError(t, err)
	j.f = f
	require.Error(t, j.Add(picture(7, "a.png"), Source{Bytes: 1}))
	require.Equal(t, size, j.size)
	_, done := j.Done(7)
	require.False(t, done)
	require.NoError(t, f.Close())
}

func TestFormatsWrittenLaterAreRemembered(t *testing.T) {
	path, j := begin(t) // saves coco
	require.NoError(t, j.Also([]string{"coco", "csv"}, ""))
	require.NoError(t, j.Also([]string{"csv"}, export.Detection))
	size := j.size
	require.NoError(t, j.Also([]string{"csv", "coco"}, ""))
	require.Equal(t, size, j.size, "nothing new")
	require.NoError(t, j.Close())

	j, err := Open(path)
	require.NoError(t, err)
	defer j.Close()
	require.True(t, j.Saved("coco"))
	require.True(t, j.Saved("csv"))
	require.False(t, j.Saved("yolo"))
	require.Equal(t, []string{"coco"}, j.Header().Save, "what the run itself saves is as it was")
	require.Equal(t, []string{"coco", "csv"}, j.Formats())

	require.NoError(t, j.Also([]string{"geojson"}, export.Annotation))
	require.NoError(t, j.Also([]string{"csv"}, ""))
	require.NoError(t, j.Close())
	j, err = Open(path)
	require.NoError(t, err)
	require.Equal(t, export.Annotation, j.Header().Info.Objects)
	require.NoError(t, j.Also([]string{"geojson"}, export.Detection))
	require.NoError(t, j.Close())
	j, err = Open(path)
	require.NoError(t, err)
	require.Empty(t, j.Header().Info.Objects, "as Info has detections")
}

func TestPathsCountFromTheFolderOfThen(t *testing.T) {
	t.Chdir(t.TempDir())
	then, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("a.png", nil, 0o666))
	e := Entry{Path: "a.png", Folder: then}
	require.Equal(t, "a.png", e.File())
	t.Chdir(t.TempDir())
	require.Equal(t, filepath.Join(then, "a.png"), e.File())
	require.NoError(t, os.Remove(e.File()))
	require.Equal(t, "a.png", e.File(), "it has moved, perhaps with the results")
	e.Folder = ""
	require.Equal(t, "a.png", e.File())
}

func TestFind(t *testing.T) {
	_, j := begin(t)
	defer j.Close()
	_, known, err := j.Find(7)
	require.NoError(t, err)
	require.False(t, known)
	require.NoError(t, j.Fail(7, "truncated"))
	r, known, err := j.Find(7)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "truncated", r.Error)
}
