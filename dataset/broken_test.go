package dataset_test

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
)

// folder is where a test writes a data set.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f folder) text(name, text string) {
	write(f.t, f.path(name), func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
}

// picture writes a PNG of 20×10 pixels (width × height) that no other seed gives.
func (f folder) picture(name string, seed byte) { f.image(name, grey(20, 10, seed)) }

func (f folder) image(name string, m image.Image) {
	write(f.t, f.path(name), func(w io.Writer) error { return png.Encode(w, m) })
}

func grey(width, height int, values ...byte) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, width, height))
	copy(m.Pix, values)
	return m
}

type object = map[string]any

// coco writes a COCO data set of the pictures a.png and b.png, with an object each, after
// change.
func (f folder) coco(change func(set, image, annotation object)) {
	f.picture("a.png", 1)
	f.picture("b.png", 2)
	im, a := object{"id": 1, "file_name": "a.png", "width": 20, "height": 10}, annotation(1, 1)
	set := object{
		"images":      []any{im, object{"id": 2, "file_name": "b.png", "width": 20, "height": 10}},
		"categories":  []any{object{"id": 1, "name": "cell"}},
		"annotations": []any{a, annotation(2, 2)},
	}
	change(set, im, a)
	data, err := json.Marshal(set)
	require.NoError(f.t, err)
	f.text("gt.json", string(data))
}

func annotation(id, image int) object {
	return object{"id": id, "image_id": image, "category_id": 1, "bbox": []any{2, 2, 5, 4}, "iscrowd": 0, "segmentation": []any{[]any{2, 2, 7, 2, 7, 6, 2, 6}}}
}

func add(set object, list string, more ...any) { set[list] = append(set[list].([]any), more...) }

// labelme writes a file of labelme beside its picture.
func (f folder) labelme(shape string) {
	f.picture("a.png", 1)
	f.text("a.json", `{"version":"5.5.0","flags":{},"imagePath":"a.png","imageHeight":10,"imageWidth":20,"imageData":null,"shapes":[`+shape+`]}`)
}

// yolo writes a data set of YOLO with a picture.
func (f folder) yolo(data, labels string) {
	f.picture("images/a.png", 1)
	f.text("labels/a.txt", labels)
	f.text("data.yaml", data)
}

const yoloData = "train: images\nval: images\nnames: [cell, dish]\n"

func (f folder) geojson(geometry string) {
	f.picture("a.png", 1)
	f.text("a.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":`+geometry+`,"properties":{"classification":{"name":"cell"}}}]}`)
}

// Each data set has one fault, and one line about it with the file and the place.
var broken = []struct {
	name  string
	make  func(f folder)
	open  string // "": gt.json
	want  string // of the line, without the folder
	stops bool   // else it is a warning
}{
	{"coco: a file is missing", func(f folder) { f.coco(func(s, im, a object) { im["file_name"] = "c.png" }) }, "", "gt.json: images[0] (id 1): there is no picture c.png in ", true},
	{"coco: no picture", func(f folder) { f.coco(func(s, im, a object) { f.text("a.png", "hello") }) }, "", "gt.json: images[0] (id 1): DIR/a.png: ", true},
	{"coco: another size", func(f folder) { f.coco(func(s, im, a object) { im["width"] = 21 }) }, "", "gt.json: images[0] (id 1): DIR/a.png has 20×10 pixels (width × height), its objects were marked in 21×10", true},
	{"coco: width and height exchanged", func(f folder) { f.coco(func(s, im, a object) { im["width"], im["height"] = 10, 20 }) }, "", "gt.json: images[0] (id 1): DIR/a.png has 20×10 pixels (width × height), its objects were marked in 10×20", true},
	{"coco: a size that is none", func(f folder) { f.coco(func(s, im, a object) { im["width"] = -20 }) }, "", "gt.json: images[0] (id 1): width and height are no counts of pixels", true},
	{"coco: two images of one id", func(f folder) { f.coco(func(s, im, a object) { add(s, "images", im) }) }, "", "gt.json: images[2] (id 1): another image has the same id", true},
	{"coco: two images of one file", func(f folder) { f.coco(func(s, im, a object) { im["file_name"] = "b.png" }) }, "", "gt.json: images[1] (id 2): DIR/b.png is the file of another image, too: DIR/gt.json: images[0] (id 1)", true},
	{"coco: two annotations of one id", func(f folder) { f.coco(func(s, im, a object) { a["id"] = 2 }) }, "", "gt.json: annotations[1] (id 2): annotations[0] has the same id", false},
	{"coco: an image that is not there", func(f folder) { f.coco(func(s, im, a object) { a["image_id"] = 7 }) }, "", "gt.json: annotations[0] (id 1): there is no image with the id 7", true},
	{"coco: a category that is not there", func(f folder) { f.coco(func(s, im, a object) { a["category_id"] = 0 }) }, "", "gt.json: annotations[0] (id 1): there is no category with the id 0", true},
	{"coco: no categories", func(f folder) { f.coco(func(s, im, a object) { delete(s, "categories") }) }, "", "gt.json: there are no categories", true},
	{"coco: two categories of one name", func(f folder) {
		f.coco(func(s, im, a object) { add(s, "categories", object{"id": 2, "name": "cell"}) })
	}, "", "gt.json: there are two classes with the name cell", true},
	{"coco: a category nobody uses", func(f folder) {
		f.coco(func(s, im, a object) { add(s, "categories", object{"id": 2, "name": "dish"}) })
	}, "", "gt.json: class dish has no example: it can be neither learned nor measured", false},
	{"coco: a box without a width", func(f folder) {
		f.coco(func(s, im, a object) { a["bbox"] = []any{2, 2, 0, 4} })
	}, "", "gt.json: annotations[0] (id 1): the box has a width of 0 and a height of 4; the one around the mask is taken", false},
	{"coco: an inverted box", func(f folder) { f.coco(func(s, im, a object) { a["bbox"] = []any{7, 6, -5, -4} }) }, "", "gt.json: annotations[0] (id 1): the box has a width of -5 and a height of -4", true},
	{"coco: a box of corners", func(f folder) {
		f.coco(func(s, im, a object) {
			a["bbox"] = []any{12, 2, 17, 6}
			a["segmentation"] = []any{[]any{12, 2, 17, 2, 17, 6, 12, 6}}
			right := annotation(3, 1)
			right["bbox"], right["segmentation"] = []any{8, 4, 5, 3}, []any{[]any{8, 4, 13, 4, 13, 7, 8, 7}}
			add(s, "annotations", right)
		})
	}, "", "gt.json: annotations[0] (id 1): the box from (12, 2) to (29, 8) does not fit the mask, which is from (12, 2) to (17, 6)", false},
	{"coco: a box outside", func(f folder) {
		f.coco(func(s, im, a object) { a["bbox"] = []any{30, 2, 5, 4}; delete(a, "segmentation") })
	}, "", "gt.json: annotations[0] (id 1): the box from (30, 2) to (35, 6) lies outside of the image", true},
	{"coco: a mask outside", func(f folder) {
		f.coco(func(s, im, a object) { a["segmentation"] = []any{[]any{32, 2, 37, 2, 37, 6, 32, 6}} })
	}, "", "gt.json: annotations[0] (id 1): the outline lies outside of the image of 20×10 pixels", true},
	{"coco: a polygon of two points", func(f folder) { f.coco(func(s, im, a object) { a["segmentation"] = []any{[]any{2, 2, 7, 6}} }) }, "", "gt.json: annotations[0] (id 1): segmentation[0] has 2 points, want 3 at least", true},
	{"coco: half a point", func(f folder) {
		f.coco(func(s, im, a object) { a["segmentation"] = []any{[]any{2, 2, 7, 2, 7, 6, 2}} })
	}, "", "gt.json: annotations[0] (id 1): segmentation[0] has 7 numbers, want pairs of x and y", true},
	{"coco: a mask of another size", func(f folder) {
		f.coco(func(s, im, a object) { a["segmentation"] = object{"size": []any{20, 10}, "counts": []any{22, 4, 174}} })
	}, "", "gt.json: annotations[0] (id 1): the mask has a size of 10×20 pixels (width × height), the image of 20×10", true},
	{"coco: runs that do not fill the mask", func(f folder) {
		f.coco(func(s, im, a object) { a["segmentation"] = object{"size": []any{10, 20}, "counts": []any{22, 4, 100}} })
	}, "", "gt.json: annotations[0] (id 1): rle: runs sum to 126, want 10×20 = 200", true},
	{"coco: no mask", func(f folder) { f.coco(func(s, im, a object) { delete(a, "segmentation") }) }, "", "gt.json: annotations[0] (id 1): there is a box and no mask, and the model learns masks", true},
	{"coco: neither box nor mask", func(f folder) { f.coco(func(s, im, a object) { delete(a, "segmentation"); delete(a, "bbox") }) }, "", "gt.json: annotations[0] (id 1): there is neither a box nor a mask", true},
	{"coco: an object twice", func(f folder) { f.coco(func(s, im, a object) { add(s, "annotations", annotation(3, 1)) }) }, "", "gt.json: annotations[2] (id 3): the same object is DIR/gt.json: annotations[0] (id 1)", false},
	{"coco: an object nearly twice", func(f folder) {
		f.coco(func(s, im, a object) {
			a["bbox"], a["segmentation"] = []any{0, 0, 20, 9}, []any{[]any{0, 0, 20, 0, 20, 9, 0, 9}}
			more := annotation(3, 1)
			more["bbox"], more["segmentation"] = []any{0, 0, 20, 10}, []any{[]any{0, 0, 20, 0, 20, 10, 0, 10}}
			add(s, "annotations", more)
		})
	}, "", "gt.json: annotations[2] (id 3): the object covers by an IoU of 0.90 the same as DIR/gt.json: annotations[0] (id 1)", false},
	{"coco: crowds alone", func(f folder) {
		f.coco(func(s, im, a object) {
			add(s, "categories", object{"id": 2, "name": "dish"})
			a["category_id"], a["iscrowd"] = 2, 1
		})
	}, "", "gt.json: class dish has no object that counts: iscrowd is 1 for all 1", false},
	{"coco: a picture twice", func(f folder) { f.coco(func(s, im, a object) { f.picture("b.png", 1) }) }, "", "gt.json: images[1] (id 2): DIR/b.png is the same picture as DIR/a.png", false},
	{"coco: nothing marked", func(f folder) { f.coco(func(s, im, a object) { s["annotations"] = []any{} }) }, "", "gt.json: nothing is marked in any of the 2 images", true},
	{"coco: an image without objects", func(f folder) {
		f.coco(func(s, im, a object) {
			a["image_id"] = 2
			a["bbox"] = nil
			a["segmentation"] = []any{[]any{2, 2, 9, 2, 7, 6}}
		})
	}, "", "gt.json: 1 of 2 images have no objects", false},
	{"coco: cut off", func(f folder) { f.text("gt.json", `{"images":[{"id":1,"file_name":"a.png"`) }, "", "gt.json: byte ", true},
	{"labelme: cut off", func(f folder) { f.labelme(""); f.text("a.json", `{"version":"5.5.0","flags":{},"shapes":[`) }, ".", "a.json: byte 40: unexpected end of JSON input", true},
	{"labelme: the picture is missing", func(f folder) { f.labelme(""); require.NoError(f.t, os.Remove(f.path("a.png"))) }, ".", "a.json: there is no picture a.png in ", true},
	{"labelme: a polygon of two points", func(f folder) { f.labelme(`{"label":"cell","points":[[1,1],[5,5]],"shape_type":"polygon"}`) }, ".", "a.json: shapes[0] (cell): the polygon has 2 points, want 3 at least", true},
	{"labelme: a line", func(f folder) { f.labelme(square + `,{"label":"cell","points":[[1,1],[5,5]],"shape_type":"line"}`) }, ".", "a.json: shapes[1] (cell): a line has no area; it is left out", false},
	{"labelme: an unknown shape", func(f folder) { f.labelme(`{"label":"cell","points":[[1,1],[5,5]],"shape_type":"cuboid"}`) }, ".", `a.json: shapes[0] (cell): shapes of the type "cuboid" are not known`, true},
	{"labelme: no label", func(f folder) { f.labelme(strings.Replace(square, "cell", "", 1)) }, ".", "a.json: shapes[0] (): the shape has no label", true},
	{"labelme: a shape outside", func(f folder) { f.labelme(`{"label":"cell","points":[[31,1],[35,1],[35,5]],"shape_type":"polygon"}`) }, ".", "a.json: shapes[0] (cell): the outline lies outside of the image", true},
	{"labelme: a mask of another size", func(f folder) {
		f.labelme(`{"label":"cell","points":[[1,1],[5,5]],"shape_type":"mask","mask":"` + mask4x4 + `"}`)
	}, ".", "a.json: shapes[0] (cell): the mask has 4×4 pixels (width × height), its points are around 5×5", true},
	{"yolo: a class that is not there", func(f folder) { f.yolo(yoloData, "2 0.5 0.5 0.2 0.2\n") }, "data.yaml", "labels/a.txt: line 1: there is no class 2: they count from 0 to 1", true},
	{"yolo: pixels, not parts", func(f folder) { f.yolo(yoloData, "0 0.1 0.1 0.5 0.1 0.5 0.5\n0 10 5 4 4\n") }, "data.yaml", "labels/a.txt: line 2: coordinate 10 lies outside of 0 to 1", true},
	{"yolo: half a point", func(f folder) { f.yolo(yoloData, "0 0.1 0.1 0.5 0.1 0.5 0.5 0.3\n") }, "data.yaml", "labels/a.txt: line 1: 8 numbers, want a class and a box of 4 numbers, or an outline", true},
	{"yolo: a word", func(f folder) { f.yolo(yoloData, "cell 0.5 0.5 0.2 0.2\n") }, "data.yaml", `labels/a.txt: line 1: "cell" is no number`, true},
	{"yolo: a folder that is not there", func(f folder) { f.yolo("train: pictures\nnames: [cell]\n", "") }, "data.yaml", "data.yaml: train: there is no pictures in ", true},
	{"yolo: no labels", func(f folder) { f.yolo(yoloData, ""); require.NoError(f.t, os.Remove(f.path("labels/a.txt"))) }, "data.yaml", "data.yaml: train: none of the 1 pictures has labels: ", true},
	{"yolo: names and nc differ", func(f folder) { f.yolo("train: images\nnc: 3\nnames: [cell]\n", "") }, "data.yaml", "data.yaml: nc is 3, but there are 1 names", true},
	{"labels: another size", func(f folder) { f.picture("a.png", 1); f.image("a_mask.png", grey(10, 20, 1)) }, ".", "a_mask.png: DIR/a.png has 20×10 pixels (width × height), its objects were marked in 10×20", true},
	{"labels: in colour", func(f folder) {
		m := image.NewRGBA(image.Rect(0, 0, 20, 10))
		m.Set(1, 1, color.RGBA{200, 10, 10, 255})
		f.picture("a.png", 1)
		f.image("masks/a.png", m)
	}, ".", "masks/a.png: a picture in colour, not a label image", true},
	{"labels: binary", func(f folder) { f.picture("a.png", 1); f.image("a_masks.png", grey(20, 10, 255, 255, 0, 255)) }, ".", "a_masks.png: the only value above 0 has 2 separate parts", false},
	{"labels: one is missing", func(f folder) {
		f.picture("a.png", 1)
		f.picture("b.png", 2)
		f.image("a_cp_masks.png", grey(20, 10, 1, 1, 2))
	}, ".", "b.png: the picture has no label image; it is left out", false},
	{"geojson: a point", func(f folder) {
		f.geojson(`{"type":"Polygon","coordinates":[[[1,1],[8,1],[8,8]]]},"properties":{"classification":{"name":"cell"}}},{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}`)
	}, ".", "a.geojson: features[1] (cell): a Point has no area; it is left out", false},
	{"geojson: micrometres", func(f folder) { f.geojson(`{"type":"Polygon","coordinates":[[[1001,1],[1008,1],[1008,8],[1001,1]]]}`) }, ".", "a.geojson: features[0] (cell): the outline lies outside of the image", true},
	{"geojson: no picture", func(f folder) { f.geojson("{}"); require.NoError(f.t, os.Remove(f.path("a.png"))) }, ".", "a.geojson: there is no picture a in ", true},
	{"unknown: an empty folder", func(f folder) {}, ".", " holds no data set: it is empty", true},
	{"unknown: pictures alone", func(f folder) { f.picture("a.png", 1) }, ".", " holds no data set: 1 pictures without labels", true},
	{"unknown: labels without names", func(f folder) { f.yolo("", "0 0.5 0.5 0.2 0.2"); require.NoError(f.t, os.Remove(f.path("data.yaml"))) }, ".", " holds no data set: 1 pictures and 1 text files without a data.yaml that names the classes", true},
	{"unknown: a picture", func(f folder) { f.picture("a.png", 1) }, "a.png", "a.png is a picture: name the folder of the label images", true},
}

// mask4x4 is a PNG of 4×4 pixels whose last column is 0 and the rest 1, by Pillow 13.0.0.
const (
	square  = `{"label":"cell","points":[[1,1],[6,1],[6,6],[1,6]],"shape_type":"polygon"}`
	mask4x4 = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAE0lEQVR4nGNkZGD4z8TAwMCAIAAQZwEIopETeQAAAABJRU5ErkJggg=="
)

func TestBrokenDataSets(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			f := folder{t, t.TempDir()}
			c.make(f)
			name := c.open
			if name == "" {
				name = "gt.json"
			}
			lines, stops := opened(f.path(name))
			require.Len(t, lines, 1)
			require.Contains(t, strings.ReplaceAll(lines[0], f.dir+"/", "DIR/"), c.want)
			require.Contains(t, lines[0], f.dir)
			require.NotContains(t, lines[0], "\n")
			require.Equal(t, c.stops, stops)
		})
	}
}

// opened gives the lines about a data set, without those about few examples, which these
// small sets all have.
func opened(path string) (lines []string, stops bool) {
	s, err := dataset.Open(path, dataset.Options{})
	if err != nil {
		return []string{err.Error()}, true
	}
	for _, p := range dataset.Check(s, nil, dataset.CheckOptions{Masks: true}) {
		if p.Code == "class-few" {
			continue
		}
		lines = append(lines, p.String())
		stops = stops || p.Severity == dataset.Error
	}
	return lines, stops
}

func TestCheckValidation(t *testing.T) {
	a, b := folder{t, t.TempDir()}, folder{t, t.TempDir()}
	a.coco(func(s, im, x object) {})
	b.coco(func(s, im, x object) {
		add(s, "categories", object{"id": 2, "name": "dish"})
		b.picture("b.png", 9)
	})
	set, err := dataset.Open(a.path("gt.json"), dataset.Options{})
	require.NoError(t, err)
	val, err := dataset.Open(b.path("gt.json"), dataset.Options{})
	require.NoError(t, err)
	var lines []string
	for _, p := range dataset.Check(set, val, dataset.CheckOptions{}) {
		lines = append(lines, p.String())
	}
	require.Equal(t, []string{
		a.path("gt.json") + ": class cell has only 2 examples [class-few]",
		b.path("gt.json") + ": class dish is not among those that are trained: cell [class-unknown]",
		b.path("gt.json") + ": images[0] (id 1): " + b.path("a.png") + " is the same picture as " + a.path("a.png") + ", which is trained on: validation is no test of it [in-training-and-validation]",
	}, lines)
	val.Recategorize(set)
	require.Equal(t, set.Categories, val.Categories)
	require.Len(t, val.Images[0].Objects, 1)
}
