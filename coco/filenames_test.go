package coco

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileNamesAreFoundByWhatPeopleWrite(t *testing.T) {
	f := NewFileNames([]string{"train/a.png", "val/a.png", "train/B.JPG", "Za\u0308hlung_0.png", "000000000139.jpg", `win\sub\c.png`, "d.png", "d.jpg", "x.tar.gz"})
	for _, c := range []struct {
		name string
		want []int
	}{
		{"train/a.png", []int{0}},
		{"./train//a.png", []int{0}},
		{"a.png", []int{0, 1}},
		{"/home/me/val/a.png", []int{1}},
		{"VAL/A.PNG", []int{1}},
		{"b.jpg", []int{2}},
		{"z\u00e4hlung_0.png", []int{3}},
		{"139", []int{4}},
		{"139.png", []int{4}},
		{"win/sub/c.png", []int{5}},
		{`D:\other\c.png`, []int{5}},
		{"c", []int{5}},
		{"d.jpg", []int{7}},
		{"d.tif", []int{6, 7}},
		{"nothing.png", nil},
		{"", nil},
		{"/", nil},
	} {
		found, _ := f.Find(c.name)
		require.Equal(t, c.want, found, c.name)
	}
	_, exact := f.Find(`train\a.png`)
	_, base := f.Find("c.png")
	_, stem := f.Find("c.tif")
	require.Zero(t, exact)
	require.Less(t, exact, base)
	require.Less(t, base, stem)
}

func TestFilesWithoutNamesAreNotFound(t *testing.T) {
	found, _ := NewFileNames([]string{"", ""}).Find("a.png")
	require.Empty(t, found)
}
