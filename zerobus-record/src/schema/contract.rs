use zerobus_schema::Fingerprint;

use crate::layout::{ColumnType, StructColumn};
use crate::report::Path;
use crate::text::Text;

/// What the fingerprint is the hash of: the text that [`Fingerprint::of`] hashes for a table of these columns.
#[must_use]
pub const fn contract<const N: usize>(columns: &[StructColumn]) -> Text<N> {
    let mut text = Text::new();
    text.push("zerobus fingerprint 1\n");
    walk(None, columns, &mut text);
    text
}

/// How long that text is.
#[must_use]
pub const fn contract_len(columns: &[StructColumn]) -> usize {
    contract::<0>(columns).len()
}

const fn walk<const N: usize>(
    parent: Option<&Path<'_>>,
    columns: &[StructColumn],
    text: &mut Text<N>,
) {
    let mut i = 0;
    while i < columns.len() {
        let column = &columns[i];
        let path = Path::within(parent, column.name);
        text.push_path(&path);
        text.push(" ");
        skeleton(column.column_type, text);
        text.push(if column.nullable {
            " NULL\n"
        } else {
            " NOT NULL\n"
        });
        walk_type(&path, column.column_type, text);
        i += 1;
    }
}

const fn walk_type<const N: usize>(path: &Path<'_>, column_type: ColumnType, text: &mut Text<N>) {
    match column_type {
        ColumnType::Struct(columns) => walk(Some(path), columns, text),
        ColumnType::Array(element) => walk_type(&path.child("element"), *element, text),
        ColumnType::Map(key, value) => {
            walk_type(&path.child("key"), *key, text);
            walk_type(&path.child("value"), *value, text);
        }
        _ => {}
    }
}

const fn skeleton<const N: usize>(column_type: ColumnType, text: &mut Text<N>) {
    match column_type {
        ColumnType::Struct(_) => text.push("STRUCT"),
        ColumnType::Array(element) => {
            text.push("ARRAY<");
            skeleton(*element, text);
            text.push(">");
        }
        ColumnType::Map(key, value) => {
            text.push("MAP<");
            skeleton(*key, text);
            text.push(", ");
            skeleton(*value, text);
            text.push(">");
        }
        scalar => text.push_type(scalar),
    }
}

/// SHA-256, which the `sha2` crate cannot compute while constants are evaluated.
#[must_use]
pub const fn fingerprint(contract: &[u8]) -> Fingerprint {
    let mut state = FRACTIONS_OF_SQUARE_ROOTS;
    let padded = (contract.len() + 8) / 64 * 64 + 64;
    let bits = (contract.len() as u64 * 8).to_be_bytes();
    let mut at = 0;
    while at < padded {
        let mut block = [0_u8; 64];
        let mut i = 0;
        while i < 64 {
            let place = at + i;
            if place < contract.len() {
                block[i] = contract[place];
            } else if place == contract.len() {
                block[i] = 0x80;
            } else if place >= padded - 8 {
                block[i] = bits[place + 8 - padded];
            }
            i += 1;
        }
        state = compress(state, &block);
        at += 64;
    }
    let mut hash = [0; 32];
    let mut i = 0;
    while i < 32 {
        hash[i] = state[i / 4].to_be_bytes()[i % 4];
        i += 1;
    }
    Fingerprint::from_bytes(hash)
}

const fn compress(state: [u32; 8], block: &[u8; 64]) -> [u32; 8] {
    let mut words = [0_u32; 64];
    let mut i = 0;
    while i < 64 {
        words[i] = if i < 16 {
            let at = i * 4;
            u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        } else {
            let (a, b) = (words[i - 15], words[i - 2]);
            let low = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let high = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            words[i - 16]
                .wrapping_add(low)
                .wrapping_add(words[i - 7])
                .wrapping_add(high)
        };
        i += 1;
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    let mut i = 0;
    while i < 64 {
        let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h
            .wrapping_add(sum)
            .wrapping_add(choice)
            .wrapping_add(FRACTIONS_OF_CUBE_ROOTS[i])
            .wrapping_add(words[i]);
        let sum = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(sum.wrapping_add(majority)));
        i += 1;
    }
    let worked = [a, b, c, d, e, f, g, h];
    let mut out = state;
    let mut i = 0;
    while i < 8 {
        out[i] = state[i].wrapping_add(worked[i]);
        i += 1;
    }
    out
}

const FRACTIONS_OF_SQUARE_ROOTS: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[rustfmt::skip]
const FRACTIONS_OF_CUBE_ROOTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        let hash = |text: &str| fingerprint(text.as_bytes()).to_string();
        assert_eq!(
            hash(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        // FIPS 180-4, appendix B.1 and B.2: one block, and two because of the padding.
        assert_eq!(
            hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
    }
}
