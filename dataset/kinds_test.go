package dataset_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
)

func open(t *testing.T, path string) *dataset.Set {
	s, err := dataset.Open(path, dataset.Options{})
	require.NoError(t, err)
	require.Empty(t, s.Problems)
	return s
}

func areas(im dataset.Image) (list []uint64) {
	for _, o := range im.Objects {
		list = append(list, o.Mask.Area())
	}
	return list
}

// Shapes of every type; two of a group are one object. Areas are those of labelme's
// shape_to_mask: a rectangle holds both its corners, and so does a mask.
func TestShapesOfLabelme(t *testing.T) {
	f := folder{t, t.TempDir()}
	f.labelme(`{"label":"b","points":[[1,1],[3,4]],"shape_type":"rectangle","group_id":7},
		{"label":"b","points":[[6,4],[5,1]],"shape_type":"rectangle","group_id":7},
		{"label":"a","points":[[1,1],[3,4]],"shape_type":"rectangle","group_id":7},
		{"label":"a","points":[[10,5],[12,5]],"shape_type":"circle"},
		{"label":"a","points":[[14,5],[17,8]],"shape_type":"mask","mask":"` + mask4x4 + `"}`)
	s := open(t, f.dir)
	require.Equal(t, dataset.Labelme, s.Kind)
	require.Equal(t, []dataset.Category{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}}, s.Categories)
	require.Equal(t, []uint64{20, 12, 21, 12}, areas(s.Images[0]))
	require.Equal(t, []int{1, 0, 0, 0}, []int{s.Images[0].Objects[0].Category, s.Images[0].Objects[1].Category, s.Images[0].Objects[2].Category, s.Images[0].Objects[3].Category})
}

// A data.yaml with a part for validation, with Roboflow's ../ too many, a map of names,
// and boxes; the folder is reached by a link.
func TestPartsOfYOLO(t *testing.T) {
	f := folder{t, t.TempDir()}
	f.picture("sets/train/images/a.png", 1)
	f.picture("sets/train/images/empty.png", 2)
	f.picture("sets/valid/images/b.png", 3)
	f.text("sets/train/labels/a.txt", "1 0.5 0.5 0.5 0.4\n\n0 0.1 0.1 0.9 0.1 0.9 0.9\n")
	f.text("sets/valid/labels/b.txt", "0 0.1 0.1 0.9 0.1 0.9 0.9\n")
	f.text("sets/data.yaml", "train: ../train/images\nval: [../valid/images]\nnc: 2\nnames: {1: dish, 0: cell}\n")
	require.NoError(t, os.Symlink(f.path("sets"), f.path("link")))
	s := open(t, f.path("link/data.yaml"))
	require.Equal(t, []string{"cell", "dish"}, s.Titles())
	require.Len(t, s.Images, 2)
	require.Equal(t, box.Box{X1: 5, Y1: 3, X2: 15, Y2: 7}, s.Images[0].Objects[0].Box)
	require.False(t, s.Images[0].Objects[0].HasMask())
	require.True(t, s.Images[0].Objects[1].HasMask())
	require.Empty(t, s.Images[1].Objects)
	require.Len(t, s.Validation.Images, 1)
	require.Equal(t, s.Images[0].Objects[1].Mask, s.Validation.Images[0].Objects[0].Mask)
	val, err := dataset.Open(f.path("link"), dataset.Options{Split: "val"})
	require.NoError(t, err)
	require.Equal(t, s.Validation.Images[0].Objects[0].Mask, val.Images[0].Objects[0].Mask)
}

// Pictures in another folder keep their sub-folders, which tell labels of one name apart, and parts are its folders of the same names.
func TestYOLOWithPicturesElsewhere(t *testing.T) {
	f := folder{t, t.TempDir()}
	f.picture("photos/train/1/a.png", 1)
	f.picture("photos/train/2/a.png", 2)
	f.picture("photos/val/a.png", 3)
	f.text("set/labels/train/1/a.txt", "0 0.5 0.5 0.5 0.4\n")
	f.text("set/labels/val/a.txt", "0 0.5 0.5 0.5 0.4\n1 0.5 0.5 0.5 0.4\n")
	f.text("set/data.yaml", "train: images/train\nval: images/val\nnames: [cell, dish]\n")
	read := func() *dataset.Set {
		s, err := dataset.Open(f.path("set/data.yaml"), dataset.Options{Images: f.path("photos")})
		require.NoError(t, err)
		return s
	}
	s := read()
	require.Empty(t, s.Problems)
	require.Len(t, s.Images, 2)
	require.Len(t, s.Images[0].Objects, 1)
	require.Empty(t, s.Images[1].Objects)
	require.Len(t, s.Validation.Images, 1)
	require.Len(t, s.Validation.Images[0].Objects, 2)

	val, err := dataset.Open(f.path("set/data.yaml"), dataset.Options{Images: f.path("photos"), Split: "val"})
	require.NoError(t, err)
	require.Equal(t, s.Validation.Images, val.Images, "an evaluation is of the same pictures")
	f.text("set/labels/lone.txt", "0 0.5 0.5 0.5 0.4\n")
	f.text("set/labels/a.txt", "0 0.5 0.5 0.5 0.4\n")
	f.picture("photos/train/2/lone.png", 4)
	s = read()
	require.Len(t, s.Images[2].Objects, 1, "labels in one folder are those of the only picture of that name")
	require.Empty(t, s.Images[1].Objects, "two pictures are called a")
	require.NoError(t, os.Remove(f.path("photos/train/2/lone.png")))

	f.text("set/data.yaml", "train: ../train/images\nval: ../valid/images\nnames: [cell, dish]\n")
	f.picture("photos/images/b.png", 5)
	s = read()
	require.Nil(t, s.Validation, "both would be photos/images")
	require.NoError(t, os.Remove(f.path("photos/images/b.png")))
	f.text("set/data.yaml", "train: images/train\nval: images/val\nnames: [cell, dish]\n")

	require.NoError(t, os.Rename(f.path("photos/val"), f.path("photos/other")))
	s = read()
	require.Len(t, s.Images, 3)
	require.Nil(t, s.Validation, "what is trained on validates nothing")
	require.Len(t, s.Problems, 1)
	require.Equal(t, "not-divided", s.Problems[0].Code)
}

// A file of labelme with a picture in it: of those of a file with several it must be the one that is read.
func TestPicturesInFilesOfLabelme(t *testing.T) {
	f := folder{t, t.TempDir()}
	data, err := os.ReadFile("../cmd/spinemask/testdata/pictures/pages.tif")
	require.NoError(t, err)
	f.text("pages.tif", string(data))
	for frame, problems := range map[string]int{"frame1.png": 0, "frame1.png, darker": 0, "frame2.png": 1} {
		name, change, _ := strings.Cut(frame, ", ")
		shown, err := os.ReadFile("../cmd/spinemask/testdata/pictures/" + name)
		require.NoError(t, err)
		if change != "" { // as --normalize minmax may have it
			shown = darker(t, shown)
		}
		f.text("pages.json", `{"imagePath":"pages.tif","imageHeight":128,"imageWidth":128,"imageData":"`+base64.StdEncoding.EncodeToString(shown)+
			`","shapes":[{"label":"b","points":[[1,1],[3,4]],"shape_type":"rectangle"}]}`)
		s, err := dataset.Open(f.dir, dataset.Options{})
		require.NoError(t, err)
		require.Len(t, s.Problems, problems, frame)
		if problems > 0 {
			require.Contains(t, s.Problems[0].String(), "its imageData is another picture than the one that is read of pages.tif (page 1 of 3")
		}
	}
}

// darker is a picture of half the values.
func darker(t *testing.T, data []byte) []byte {
	m, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	b := m.Bounds()
	out := image.NewRGBA(b)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
			out.SetRGBA(x, y, color.RGBA{R: c.R / 2, G: c.G / 2, B: c.B / 2, A: 255})
		}
	}
	var w bytes.Buffer
	require.NoError(t, png.Encode(&w, out))
	return w.Bytes()
}

// Label images of 8 bits with a palette and of 16 bits, in each place where they may lie.
func TestPlacesOfLabelImages(t *testing.T) {
	palette := image.NewPaletted(image.Rect(0, 0, 20, 10), color.Palette{color.Black, color.White, color.Gray{9}})
	copy(palette.Pix, []byte{2, 2, 1, 0, 2})
	deep := image.NewGray16(image.Rect(0, 0, 20, 10))
	deep.SetGray16(3, 3, color.Gray16{Y: 300})
	deep.SetGray16(4, 3, color.Gray16{Y: 44}) // the low byte of 300
	f := folder{t, t.TempDir()}
	f.picture("a.png", 1)
	f.picture("sub/images/b.png", 2)
	f.picture("c.png", 3)
	f.image("a_cp_masks.png", palette)
	f.image("sub/labels/b.png", deep)
	f.image("masks/c_mask.png", palette)
	s := open(t, f.dir)
	require.Equal(t, dataset.LabelImages, s.Kind)
	got := map[string][]uint64{}
	for _, im := range s.Images {
		got[im.Name] = areas(im)
	}
	require.Equal(t, map[string][]uint64{"a.png": {1, 3}, "b.png": {1, 1}, "c.png": {1, 3}}, got)
}

// A photo on its side, annotated as it is stored and upright.
func TestOrientation(t *testing.T) {
	for _, c := range []struct {
		width, height int
		stored        bool
	}{{20, 10, true}, {10, 20, false}} {
		f := folder{t, t.TempDir()}
		f.coco(func(s, im, a object) { im["width"], im["height"], im["file_name"] = c.width, c.height, "a.jpg" })
		var b bytes.Buffer
		require.NoError(t, jpeg.Encode(&b, grey(20, 10), nil))
		// EXIF: little endian, one entry, tag 0x0112, a short of value 6
		exif := "\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
		write(t, f.path("a.jpg"), func(w io.Writer) error {
			_, err := w.Write(append(append([]byte{0xff, 0xd8}, exif...), b.Bytes()[2:]...))
			return err
		})
		s := open(t, f.path("gt.json"))
		require.Equal(t, c.stored, s.Images[0].AsStored)
		require.False(t, s.Images[1].AsStored)
		require.Equal(t, c.height, s.Images[0].Objects[0].Mask.H)
	}
}
