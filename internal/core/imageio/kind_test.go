package imageio

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The first bytes decide, whatever the name; where they say nothing, the name does.
func TestFilesThatAreNotReadAreNamed(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	tiff, err := os.ReadFile("testdata/formats/rgb_lzw.tif")
	require.NoError(t, err)
	for _, c := range []struct{ name, content, want string }{
		{"IMG_1.jpg", "\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1", "HEIC files are not read; convert it with: heif-convert IN OUT.png"},
		{"a.png", "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "AVIF files are not read; convert it with: avifdec IN OUT.png"},
		{"a.jxl", "\xff\x0a\xfa\x1f\x01\x90\x08\x06", "JPEG XL files are not read; convert it with: djxl IN OUT.png"},
		{"a.jp2", "\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000 files are not read; convert it with: opj_decompress -i IN -o OUT.tif"},
		{"a", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "MP4 and QuickTime files are not read; videos are read by: spinemask video IN"},
		{"a.CR3", "\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01", "Canon CR3 raw files are not read; convert it with: dcraw_emu -T IN"},
		{"a.tif", "II*\x00\x10\x00\x00\x00CR\x02\x00", "Canon CR2 raw files are not read; convert it with: dcraw -T IN"},
		{"a.NEF", string(tiff), "Nikon raw files are not read; convert it with: dcraw -T IN"},
		{"a.czi", "ZISRAWFILE" + zeros(30), "Zeiss CZI files are not read; convert it with: bfconvert IN OUT.ome.tif"},
		{"a.nd2", "\xda\xce\xbe\x0a\x10\x00\x00\x00", "Nikon ND2 files are not read; convert it with: bfconvert IN OUT.ome.tif"},
		{"a.lif", "p\x00\x00\x00\x9c\x18\x00\x00*\x00", "Leica LIF files are not read; convert it with: bfconvert IN OUT.ome.tif"},
		{"a.nii", "\x5c\x01" + zeros(342) + "n+1\x00", "NIfTI files are not read; convert it with: bfconvert IN OUT.ome.tif"},
		{"slice001", zeros(128) + "DICM\x02\x00", "DICOM files are not read; convert it with: dcm2pnm --write-png IN OUT.png"},
		{"a.tga", zeros(2) + "\x02" + zeros(40), "Truevision TGA files are not read; convert it with: magick IN OUT.png"},
		{"a.zip", "PK\x03\x04\x14\x00", "ZIP files are not read; unpack it first"},
		{"a.tif", "version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer files are not read; git lfs pull fetches what they stand for"},
		{"a.jpg", "<!DOCTYPE html>\n<html>", "HTML files are not read; perhaps a download went wrong"},
		{"a.txt", "Dear diary", "not a picture (png, jpeg, gif, bmp, tiff, webp or pnm)"},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
		_, err := Open(path, Options{})
		require.EqualError(t, err, "imageio: "+c.name+": "+c.want)
	}
}

func TestKindOf(t *testing.T) {
	kind, readable := KindOf([]byte("II*\x00\x08\x00\x00\x00\x10\x00"))
	require.Equal(t, "tiff", kind)
	require.True(t, readable)
	kind, readable = KindOf([]byte("ZISRAWFILE\x00\x00"))
	require.Equal(t, "Zeiss CZI", kind)
	require.False(t, readable)
	kind, readable = KindOf([]byte("Dear diary"))
	require.Empty(t, kind)
	require.False(t, readable)

	require.Equal(t, "Zeiss CZI", UnreadName("a/b.Czi"))
	require.Empty(t, UnreadName("a/czi"))
	require.Empty(t, UnreadName("a/b.png"))
}

// What a folder holds is told by names and contents together.
func TestKindOfFile(t *testing.T) {
	for _, c := range []struct {
		name, head, kind string
		readable         bool
	}{
		{"a", "\xff\xd8\xff\xe0", "jpeg", true},
		{"a.heic", "\xff\xd8\xff\xe0", "jpeg", true},
		{"a.czi", "", "Zeiss CZI", false},
		{"a.NEF", "II*\x00\x08\x00\x00\x00\x10\x00", "Nikon raw", false},
		{"a.mrxs", "\xff\xd8\xff\xe0", "MIRAX and Hamamatsu VMS", false},
		{"a.001", "ZISRAWFILE", "Zeiss CZI", false},
		{"a", "PK\x03\x04", "", false},
		{"a.mp4", "\x00\x00\x00\x18ftypmp42", "", false},
		{"README", "Nuclei", "", false},
	} {
		kind, readable := KindOfFile(c.name, []byte(c.head))
		require.Equal(t, c.kind, kind, c.name)
		require.Equal(t, c.readable, readable, c.name)
	}
}

// Every extension stands for one kind, and no kind hides another one, or one that is read.
func TestKindsAreDistinct(t *testing.T) {
	seen := map[string]string{}
	for i, u := range unread {
		require.NotEmpty(t, u.help, u.name)
		for _, ext := range strings.Fields(u.exts) {
			require.Empty(t, seen[ext], ext)
			seen[ext] = u.name
		}
		for _, magic := range u.magic {
			head := []byte(strings.ReplaceAll(magic, "?", "\x07"))
			first := slices.IndexFunc(unread, func(u unreadKind) bool { return begins(head, u.magic) })
			require.Equal(t, i, first, "%s by %q", u.name, magic)
			_, err := formatOf(head)
			require.Equal(t, u, err, "%s by %q", u.name, magic)
		}
	}
	for _, ext := range strings.Fields(previewNames) {
		require.NotEmpty(t, seen[ext], ext)
	}
}
