//! One vocabulary for the names that Segment e-commerce v2, GA4 and Shopify's web pixels use.

/// The vocabulary's name for a sender's event name: spaces, case and `-` do not matter; a name that the tables
/// do not have is kept as it is.
pub fn normalise(name: &str) -> &str {
    let mut folded = [0_u8; 48];
    let Some(folded) = fold(name, &mut folded) else { return name };
    match NAMES.binary_search_by(|(from, _)| (*from).cmp(folded)) {
        Ok(at) => NAMES[at].1,
        Err(_) => name,
    }
}

/// Lower case, with `_` for spaces and hyphens; `None` when longer than any name of the tables.
fn fold<'a>(name: &str, buffer: &'a mut [u8; 48]) -> Option<&'a str> {
    let bytes = name.trim().as_bytes();
    let buffer = buffer.get_mut(..bytes.len())?;
    for (to, from) in buffer.iter_mut().zip(bytes) {
        *to = match from {
            b' ' | b'-' => b'_',
            other => other.to_ascii_lowercase(),
        };
    }
    std::str::from_utf8(buffer).ok()
}

/// Folded name → vocabulary; sorted by the first. Names that fold onto themselves stand here too, so that the
/// table is the whole vocabulary.
const NAMES: &[(&str, &str)] = &[
    ("add_payment_info", "payment_info_entered"),
    ("add_shipping_info", "shipping_info_entered"),
    ("add_to_cart", "product_added"),
    ("add_to_wishlist", "product_added_to_wishlist"),
    ("alert_displayed", "alert_displayed"),
    ("application_opened", "application_opened"),
    ("begin_checkout", "checkout_started"),
    ("cart_cleared", "cart_cleared"),
    ("cart_shared", "cart_shared"),
    ("cart_viewed", "cart_viewed"),
    ("checkout_address_info_submitted", "checkout_address_info_submitted"),
    ("checkout_completed", "order_completed"),
    ("checkout_contact_info_submitted", "checkout_contact_info_submitted"),
    ("checkout_shipping_info_submitted", "shipping_info_entered"),
    ("checkout_started", "checkout_started"),
    ("checkout_step_completed", "checkout_step_completed"),
    ("checkout_step_viewed", "checkout_step_viewed"),
    ("collection_viewed", "product_list_viewed"),
    ("coupon_applied", "coupon_applied"),
    ("coupon_denied", "coupon_denied"),
    ("coupon_entered", "coupon_entered"),
    ("coupon_removed", "coupon_removed"),
    ("order_cancelled", "order_cancelled"),
    ("order_completed", "order_completed"),
    ("order_refunded", "order_refunded"),
    ("order_updated", "order_updated"),
    ("page_hidden", "page_hidden"),
    ("page_left", "page_left"),
    ("page_view", "page_viewed"),
    ("page_viewed", "page_viewed"),
    ("page_visible", "page_visible"),
    ("payment_info_entered", "payment_info_entered"),
    ("payment_info_submitted", "payment_info_entered"),
    ("product_added", "product_added"),
    ("product_added_to_cart", "product_added"),
    ("product_added_to_wishlist", "product_added_to_wishlist"),
    ("product_clicked", "product_clicked"),
    ("product_list_filtered", "product_list_filtered"),
    ("product_list_viewed", "product_list_viewed"),
    ("product_removed", "product_removed"),
    ("product_removed_from_cart", "product_removed"),
    ("product_removed_from_wishlist", "product_removed_from_wishlist"),
    ("product_reviewed", "product_reviewed"),
    ("product_shared", "product_shared"),
    ("product_viewed", "product_viewed"),
    ("products_searched", "products_searched"),
    ("promotion_clicked", "promotion_clicked"),
    ("promotion_viewed", "promotion_viewed"),
    ("purchase", "order_completed"),
    ("push_clicked", "push_clicked"),
    ("push_dismissed", "push_dismissed"),
    ("push_shown", "push_shown"),
    ("refund", "order_refunded"),
    ("remove_from_cart", "product_removed"),
    ("search", "products_searched"),
    ("search_submitted", "products_searched"),
    ("select_item", "product_clicked"),
    ("select_promotion", "promotion_clicked"),
    ("ui_extension_errored", "ui_extension_errored"),
    ("view_cart", "cart_viewed"),
    ("view_item", "product_viewed"),
    ("view_item_list", "product_list_viewed"),
    ("view_promotion", "promotion_viewed"),
    ("view_search_results", "products_searched"),
    ("wishlist_product_added_to_cart", "product_added"),
];

/// Whether a name is one of the vocabulary's own (a target of the table).
pub fn is_known(name: &str) -> bool {
    name == "identified" || name == "aliased" || name == "grouped" || NAMES.iter().any(|(_, to)| *to == name)
}

/// All names of the vocabulary, for documentation and for "did you mean".
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = NAMES.iter().map(|(_, to)| *to).collect();
    names.extend(["identified", "aliased", "grouped"]);
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_the_search_finds() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NAMES.iter().all(|(from, _)| from.len() <= 48));
    }

    #[test]
    fn three_dialects_say_one_thing() {
        for name in ["Product Added", "add_to_cart", "product_added_to_cart", "product added", "PRODUCT-ADDED"] {
            assert_eq!(normalise(name), "product_added");
        }
        assert_eq!(normalise("Size Chart Opened"), "Size Chart Opened");
        assert_eq!(normalise(&"x".repeat(500)), "x".repeat(500));
    }
}
