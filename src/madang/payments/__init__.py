"""Payment providers for paid messages: implements chat's PaymentProvider."""
