package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// imageNames are the extensions of the files of a folder that are taken for images. Slide scanners (.svs, .ndpi, .scn, .bif), microscopes (.lsm, .stk, .qptiff,
// .flex) and cameras (.mpo) have names of their own for TIFF and JPEG files; .tf2, .tf8 and .btf are BigTIFF.
var imageNames = set(`.png .apng .jpg .jpeg .jpe .jfif .jif .jfi .pjpeg .pjp .mpo .jps .gif .bmp .dib .webp .pbm .pgm .ppm .pnm
	.tif .tiff .svs .ndpi .scn .bif .lsm .stk .qptiff .flex .tf2 .tf8 .btf`)

// folderNames are the extensions of folders that are pictures as a whole.
var folderNames = set(`.zarr .n5`)

// quietNames are the extensions of what lies beside photos and is no photo. Such files are not opened.
var quietNames = set(`.txt .md .csv .tsv .json .jsonl .geojson .ndjson .xml .yaml .yml .toml .ini .cfg .log .html .htm .pdf .doc .docx .xls .xlsx .ods .odt .ppt .pptx
	.py .ipynb .m .mat .r .rdata .rds .sh .bat .ijm .zip .gz .tar .7z .rar .db .ds_store .lnk .roi .npy .npz .pkl .h5 .hdf5 .pt .pth .safetensors .onnx
	.wav .mp3 .aae .xmp .svg .ico .cur .ps .eps .hdf .hdr`)

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, w := range strings.Fields(words) {
		s[w] = true
	}
	return s
}

// A leftOut is a file of a folder that looks like a picture and is not looked at.
type leftOut struct {
	path string
	kind string // ".czi"; "without an extension (png, read if named)"
}

// kindOf says whether a file of a folder is taken for an image, or else what kind of picture it seems to be; "" is none.
func kindOf(path string) (taken bool, other string) {
	ext := strings.ToLower(filepath.Ext(path))
	switch {
	case imageNames[ext]:
		return true, ""
	case quietNames[ext]:
		return false, ""
	}
	kind, readable := imageio.KindOfFile(path, headOf(path))
	switch {
	case kind == "":
		return false, ""
	case ext == ".dng": // TIFF, of a raw picture of a camera or of one in colour
		_, _, err := imageio.Pictures(path, imageio.Options{})
		return err == nil, ext
	case imageio.UnreadName(path) != "": // with another content, readable: a .heic that is a JPEG in truth
		return readable, ext
	case ext == "":
		ext = "without an extension"
	}
	if readable {
		return false, fmt.Sprintf("%s (%s, read if named)", ext, kind)
	}
	return false, fmt.Sprintf("%s (%s)", ext, kind)
}

// headOf gives the first bytes of a file, as far as they can be read.
func headOf(path string) []byte {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return nil // a pipe would wait for ever
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, imageio.HeadSize)
	n, _ := f.ReadAt(head, 0)
	return head[:n]
}

// distinctLeftOut drops files that lie in two folders that were asked for.
func distinctLeftOut(list []leftOut) []leftOut {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(l leftOut) bool {
		key := absolute(l.path)
		twice := seen[key]
		seen[key] = true
		return twice
	})
}

// kinds counts what was left out: "4 .czi, 1 .nd2".
func kinds(left []leftOut) string {
	count := map[string]int{}
	for _, l := range left {
		count[l.kind]++
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	return strings.Join(names, ", ")
}

// sayLeftOut says what lies in the folders and is not looked at, and which patterns stand for nothing.
func (t *talk) sayLeftOut(all *found) {
	for _, err := range all.unmatched {
		t.say("%v", err)
	}
	for _, l := range all.left {
		t.detail("%s: left out, %s", l.path, l.kind)
	}
	switch len(all.left) {
	case 0:
	case 1:
		t.say("1 file of another kind was left out: %s", kinds(all.left))
	default:
		t.say("%d files of other kinds were left out: %s", len(all.left), kinds(all.left))
	}
}
